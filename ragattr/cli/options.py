"""What the commands may be told: options that several of them share, and their choices."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ragattr.cli.shown import show_methods


class TierName(StrEnum):
    """How much is to be measured."""

    auto = "auto"
    logits = "logits"
    logprobs = "logprobs"
    text = "text"


class ReviseName(StrEnum):
    """Who decides what to change."""

    spans = "spans"
    rarr = "rarr"


class OnlyName(StrEnum):
    """What alone is revised."""

    citations = "citations"


class UnsupportedName(StrEnum):
    """What happens to statements that nothing supports."""

    keep = "keep"
    mark = "mark"
    remove = "remove"


class ClaimsName(StrEnum):
    """What a claim is."""

    sentences = "sentences"
    atomic = "atomic"
    model = "model"


class FormName(StrEnum):
    """What an answer is."""

    sentence = "sentence"
    span = "span"


class OffsetName(StrEnum):
    """Units of offsets."""

    codepoints = "codepoints"
    utf8 = "utf8"
    utf16 = "utf16"


class Learned(StrEnum):
    """What can be trained."""

    heads = "heads"
    explainer = "explainer"
    verifier = "verifier"
    reviser = "reviser"


class _Spread(TyperCommand):
    """Lets one option take several paths: `--docs a b` is read as `--docs a --docs b`."""

    option = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spread, is_in = list[str](), False
        for arg in args:
            if arg.startswith("-") and arg != "-":
                is_in = arg == self.option
                if not is_in:
                    spread.append(arg)
            elif is_in:
                spread += [self.option, arg]
            else:
                spread.append(arg)
        return super().parse_args(ctx, spread)


class SpreadDocs(_Spread):
    """Of `--docs`."""

    option = "--docs"


class SpreadData(_Spread):
    """Of `--data`."""

    option = "--data"


class ListsMethods(TyperCommand):
    """Prints the methods when `--method` names none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args[-1:] == ["--method"]:
            show_methods()
            ctx.exit()
        return super().parse_args(ctx, args)


Docs = Annotated[list[Path] | None, typer.Option("--docs", help="Files and folders to read.")]
IndexFolder = Annotated[
    Path | None, typer.Option("--index", help="A folder that ragattr index made.")
]
Question = Annotated[str | None, typer.Option("--question", help="The question.")]
HowMany = Annotated[int, typer.Option("-k", min=1, help="How many passages.")]
Input = Annotated[Path | None, typer.Option("--input", help="JSON Lines; - is standard input.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write JSON Lines to this file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON Lines instead of a report.")]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write a self-contained HTML report to this file.")
]
Model = Annotated[
    str, typer.Option("--model", help="embedded, a folder, a hub name, openai:URL#NAME, vllm:NAME.")
]
EncoderName = Annotated[str, typer.Option("--encoder", help="embedded, a folder, or a hub name.")]
Verifier = Annotated[
    str,
    typer.Option(
        "--verifier",
        help="embedded, a folder, or a hub name: an NLI, seq2seq, causal or token model. "
        "nli:, t5:, spans:, asked: or pace: in front says which; asked:embedded asks the "
        "embedded one.",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        "--method",
        help="How use is measured; `ragattr attribute --method` lists the names with their cost.",
    ),
]
MaxPasses = Annotated[
    float | None,
    typer.Option("--max-passes", help="Budget of one answer, in readings of prompt and answer."),
]
MaxSeconds = Annotated[
    float | None, typer.Option("--max-seconds", help="Budget of one answer, in seconds.")
]
Fidelity = Annotated[
    bool,
    typer.Option("--fidelity", help="Check the scores on random ablations (some 25 passes)."),
]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help='JSON Lines with "question" and "passages" or "context_sentences", perhaps "answer"; '
        "without one, the shipped facts. For a verifier: labelled claims with evidence, NLI pairs, "
        "questions; told apart by their fields.",
    ),
]
Contexts = Annotated[int, typer.Option("-n", min=10, help="How many contexts to learn from.")]
WorkFolder = Annotated[
    Path | None, typer.Option("--work", help="Folder of what is measured so far; resumable.")
]
VerifierFolder = Annotated[
    Path | None, typer.Option("-o", "--output", help="Where a trained verifier is written.")
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="A source whose labelled rows a verifier does not learn from."),
]
Seed = Annotated[int, typer.Option("--seed", help="Of what is drawn and its order.")]
Tier = Annotated[
    TierName,
    typer.Option("--tier", help="text measures nothing; logits and logprobs insist on it."),
]
Offsets = Annotated[
    OffsetName, typer.Option("--offsets", help="The unit of offsets in the output.")
]
Claims = Annotated[
    ClaimsName,
    typer.Option(
        "--claims",
        help="What is judged: sentences; their single facts by rules (atomic) or by the model.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would cost; ask no model anything.")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="local; ray: worker processes on this machine; ray:ADDRESS: on a running cluster.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="How many workers of Ray; one on each core unless told."),
]
TopLogprobs = Annotated[
    int,
    typer.Option(
        "--top-logprobs", min=0, help="Log-probabilities to ask of a server or vLLM; 0 for all."
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option("--threshold", help="Probability from which on a statement counts as supported."),
]
Precision = Annotated[
    float | None,
    typer.Option(
        "--precision",
        help="Guarantee this precision of what counts as supported, with confidence 0.9.",
    ),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        help='For --precision: JSON Lines as verify reads them, with "label": attributable or '
        "not_attributable.",
    ),
]
