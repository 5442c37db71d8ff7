"""The commands that examine answers, and those that find and write them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragattr.cli.app import app
from ragattr.cli.options import (
    AsJson,
    Calibration,
    Claims,
    ClaimsName,
    Docs,
    DryRun,
    EncoderName,
    EngineName,
    Fidelity,
    FormName,
    HowMany,
    Html,
    IndexFolder,
    Input,
    ListsMethods,
    MaxPasses,
    MaxSeconds,
    Method,
    Model,
    OffsetName,
    Offsets,
    OnlyName,
    Output,
    Precision,
    Question,
    ReviseName,
    SpreadDocs,
    Threshold,
    Tier,
    TierName,
    TopLogprobs,
    UnsupportedName,
    Verifier,
    Workers,
)
from ragattr.cli.running import bar, corpus_of, needed, questions, run_work, sinks
from ragattr.cli.shown import (
    say,
    show_components,
    show_cost,
    show_heads,
    show_json,
    show_pair,
    show_passages,
    show_revision,
    show_scores,
)
from ragattr.errors import ConfigError
from ragattr.written import write_whole

if TYPE_CHECKING:
    from ragattr.api import Work


@app.command(cls=SpreadDocs)
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
    lines = questions(question, input)
    from ragattr.api import answer_rows, rehearse_rows
    from ragattr.setup import Setup

    def start() -> "Work":
        corpus = corpus_of(docs, index)
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

    show = show_cost if dry_run else None
    html = None if dry_run else html
    run_work(start, input, lines, output=output, as_json=as_json, html=html, show=show)


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
    engine: EngineName = "local",
    workers: Workers = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Whose shape the output has: ragas, anthropic, openai, llamaindex, footnotes; "
            "what that shape cannot hold is left out.",
        ),
    ] = None,
    as_json: AsJson = False,
    html: Html = None,
) -> None:
    """Examine answers that were written elsewhere: what they used, what supports them."""
    from ragattr.adapters.reading import reading, writing
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
    run_work(
        lambda: rehearse_rows(setup) if dry_run else cite_rows(setup),
        needed(input),
        None,
        output=output,
        engine=engine,
        workers=workers,
        read=reading({}),
        shaped=None if dry_run else writing(to),
        as_json=as_json,
        html=None if dry_run else html,
        show=show_cost if dry_run else None,
    )


@app.command(cls=SpreadDocs)
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
    engine: EngineName = "local",
    workers: Workers = None,
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
        found = corpus_of(docs, index) if docs or index is not None else None
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

    run_work(
        start, needed(input), None, output=output, engine=engine, workers=workers,
        as_json=as_json, html=html,
        show=show_revision,
    )  # fmt: skip


@app.command(cls=ListsMethods)
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
    engine: EngineName = "local",
    workers: Workers = None,
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
    run_work(
        lambda: rehearse_rows(setup) if dry_run else attribute_rows(setup),
        needed(input),
        None,
        output=output,
        engine=engine,
        workers=workers,
        as_json=as_json,
        show=show_cost if dry_run else show_scores,
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
        with sinks(output, html) as write:
            write(row)
        if html is not None:
            write_whole(html, render_mechanism([row]))
        show_json(row) if as_json else show_heads(row)
        return
    run_work(
        lambda: mechanism_rows(setup),
        needed(input),
        None,
        output=output,
        as_json=as_json,
        html=html,
        show=show_components,
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
    engine: EngineName = "local",
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Judge pairs of claim and evidence: {"id", "claim", "evidence": [...]}."""
    from ragattr.api import verify_rows
    from ragattr.batch.engine import ROWS_TOGETHER
    from ragattr.setup import Setup

    setup = Setup(
        verifier=verifier,
        tier="text",
        threshold=threshold,
        precision=precision,
        calibration=calibration,
    )
    run_work(
        lambda: verify_rows(setup),
        needed(input),
        None,
        output=output,
        engine=engine,
        workers=workers,
        rows_together=ROWS_TOGETHER,
        as_json=as_json,
        show=show_pair,
    )


@app.command("index", cls=SpreadDocs)
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

    with bar(1, "passages") as advance:
        built = build_index(
            docs, output, Setup(encoder=encoder).sentence_encoder(), progress=advance
        )
    for line in built.skipped:
        say(f"skipped {line}")
    if as_json:
        show_json({**built.__dict__, "skipped": list(built.skipped), "folder": str(output)})
    else:
        typer.echo(
            f"{output}: {built.n_passages:,} passages; {built.n_read:,} files read, "
            f"{built.n_dropped:,} dropped"
        )


@app.command(cls=SpreadDocs)
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
    lines = questions(question, input)
    from ragattr.api import retrieve_rows
    from ragattr.setup import Setup

    run_work(
        lambda: retrieve_rows(Setup(encoder=encoder), corpus_of(docs, index), k=k),
        input,
        lines,
        output=output,
        as_json=as_json,
        show=show_passages,
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of a case and of a record."""
    from ragattr.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
