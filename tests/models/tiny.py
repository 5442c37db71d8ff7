"""Small random models that read pairs, with tokenizers of whole words."""

import re
from functools import lru_cache
from typing import Any

from ragattr.models.checkpoint import Checkpoint

TEXT = (
    "The bridge was opened on 19 March 1932 . It is made of steel and of stone . Bees make honey "
    "in the hive , and wax too . One queen lives there . The river is long . Nobody knows its end "
    ". All none of birds can fly not longer shorter than canal 1 0 Yes No yes no True False true "
    "false predict : premise hypothesis Does passage support statement"
)
SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def word_tokenizer(*, pair: str = "[CLS] $A [SEP] $B:1 [SEP]:1", limit: int = 10**30) -> Any:
    """One token a word or mark; `pair` is how two texts are put together."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    end = "[SEP]" if "[SEP]" in pair else "</s>"
    special = {**SPECIAL, "sep_token": end, "eos_token": end}
    words = dict.fromkeys([*special.values(), *re.findall(r"\w+|[^\w\s]", TEXT)])
    vocabulary = {word: i for i, word in enumerate(words)}
    built = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    built.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    built.post_processor = processors.TemplateProcessing(
        single=pair.partition(" $B")[0],
        pair=pair,
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", end)],
    )
    return PreTrainedTokenizerFast(tokenizer_object=built, model_max_length=limit, **special)


def randomised(model: Any, seed: int = 0) -> Any:
    """All weights drawn anew, large enough to matter."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.4 * torch.randn(weight.shape, generator=generator))
    return model.eval()


def bert(auto_class: str, *, places: int = 64, **fields: Any) -> Any:
    """Two layers of four heads; `fields` go to the config."""
    import transformers

    config = transformers.BertConfig(
        vocab_size=len(word_tokenizer()), hidden_size=32, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=places,
        attn_implementation="eager", **fields,
    )  # fmt: skip
    return randomised(getattr(transformers, auto_class).from_config(config))


def t5() -> Any:
    """Two layers on either side."""
    import transformers

    config = transformers.T5Config(
        vocab_size=len(word_tokenizer()), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
        decoder_start_token_id=0, pad_token_id=0, attn_implementation="eager",
    )  # fmt: skip
    return randomised(transformers.T5ForConditionalGeneration(config))


@lru_cache
def classifier(labels: tuple[str, ...], *, places: int = 64, name: str = "tiny") -> Checkpoint:
    """A random BERT over these labels."""
    model = bert(
        "AutoModelForSequenceClassification",
        places=places,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
    )
    return Checkpoint.wrap(model, word_tokenizer(), name=name)
