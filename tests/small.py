"""Small random models, their weights large enough to matter."""

from functools import lru_cache
from typing import Any

CAPPED = {"attn_logit_softcapping": 1.0, "final_logit_softcapping": 2.0}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "Llama": ("llama", {}),
    "Qwen2": ("qwen2", {}),
    "Gemma2": ("gemma2", {"head_dim": 8, "query_pre_attn_scalar": 16, **CAPPED}),
    "NeoX": ("gpt_neox", {"rotary_pct": 0.5}),
    "GPT2": ("gpt2", {"bos_token_id": 0, "eos_token_id": 0}),
}


@lru_cache
def random_model(name: str = "Llama", vocab: int = 64) -> Any:
    """Two random layers of four heads; norms and biases are random too."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, fields = ARCHITECTURES[name]
    config = AutoConfig.for_model(
        kind, vocab_size=vocab, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0,
        **fields,
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            noise = 0.3 * torch.randn(weight.shape, generator=generator)
            weight.copy_(noise if weight.dim() > 1 else weight + noise)
    return model
