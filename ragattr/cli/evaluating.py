"""The command that audits the citations of many answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragattr.cli.app import app
from ragattr.cli.options import (
    AsJson,
    Claims,
    ClaimsName,
    EngineName,
    MaxPasses,
    Method,
    Model,
    OffsetName,
    Offsets,
    Seed,
    Threshold,
    Verifier,
    Workers,
)
from ragattr.cli.running import progress
from ragattr.cli.shown import say, show_json
from ragattr.errors import ConfigError, InputError

if TYPE_CHECKING:
    from ragattr.batch.engine import Engine
    from ragattr.batch.rows import Outcome
    from ragattr.batch.state import RunState
    from ragattr.models.protocols import EntailmentModel
    from ragattr.report.audit import Audit
    from ragattr.setup import Setup


@app.command()
def evaluate(
    input: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="JSON Lines, Parquet, CSV; a file, a folder, a path of fsspec, hf:NAME[:SPLIT], "
            "or - for standard input.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The folder for figures and report.")
    ] = None,
    map: Annotated[
        list[str] | None,
        typer.Option("--map", help="OURS=THEIRS, such as question=query; may be repeated."),
    ] = None,
    shape: Annotated[
        str,
        typer.Option(
            "--from",
            help="Whose shape the rows have: ragas, anthropic, openai, llamaindex, footnotes; "
            "auto looks at each row.",
        ),
    ] = "auto",
    verifier: Verifier = "embedded",
    threshold: Threshold = None,
    claims: Claims = ClaimsName.sentences,
    used: Annotated[
        bool, typer.Option("--used", help="Measure, too, what the model used (much slower).")
    ] = False,
    model: Model = "embedded",
    method: Method = "jsd-fast",
    max_passes: MaxPasses = None,
    by: Annotated[
        str, typer.Option("--by", help="The field that says where a row comes from.")
    ] = "source",
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            help='Human labels, JSON Lines: {"id", "claim": number or text, "label": supported '
            "or not_supported}.",
        ),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", help="The folder of another audit.")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option("--fail-under", help="METRIC=VALUE: exit code 1 below; may be repeated."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Only so many rows, drawn by --seed.")
    ] = None,
    seed: Seed = 0,
    again: Annotated[
        bool, typer.Option("--again", help="Judge rows anew that are judged records already.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how much there is to do; judge nothing.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on in a folder that holds a run.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Go on, and do failed rows again.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew in a folder that holds a run.")
    ] = False,
    offsets: Offsets = OffsetName.codepoints,
    engine: EngineName = "local",
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Audit citations: figures with intervals, an HTML report, and the records."""
    from ragattr.adapters.reading import columns_of, reading
    from ragattr.batch.evaluate import STATE, evaluate_rows
    from ragattr.batch.sources import count_rows, read_rows, sampled
    from ragattr.batch.state import open_state
    from ragattr.batch.wishes import read_wishes
    from ragattr.setup import Setup

    if input is None:
        raise ConfigError("give --input FILE, a folder, hf:NAME, or - for standard input")
    columns, wishes = columns_of(map or []), read_wishes(fail_under or ())
    read = reading(columns, shape)
    setup = Setup(
        model=model,
        verifier=verifier,
        method=method,
        threshold=threshold,
        claims=claims.value,
        offsets=offsets.value,
        max_passes=max_passes,
    )
    lines, total = read_rows(input), count_rows(input)
    if sample is not None:
        lines = iter(sampled(lines, sample, seed=seed))
        total = None if total is None else min(sample, total)
    if dry_run:
        from ragattr.batch.estimate import estimate

        typer.echo(str(estimate(lines, read, total)))
        return
    if output is None:
        raise ConfigError("give -o DIR, a folder for figures and report")
    _prepare(output, resume=resume or retry_failed, overwrite=overwrite)
    judging = _Judging(setup, used=used, again=again)
    settings = {**judging.settings(), "map": columns, "from": shape}
    with open_state(output / STATE, settings, retries=retry_failed) as state:
        audit, outcome = evaluate_rows(
            progress(lines, total),
            output,
            judging.engine(engine, state, workers=workers),
            read=read,
            state=state,
            by=by,
            labels=labels,
            other=compare,
            about={"input": Path(input).name, "settings": settings},
        )
    _end(audit, outcome, output, wishes, as_json=as_json)


def _prepare(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Make the folder, or clear it, or go on in it, as was asked."""
    from ragattr.batch.evaluate import FILES

    own = [folder / name for name in FILES]
    if any(path.exists() for path in own) and not resume:
        if not overwrite:
            raise InputError(f"{folder} holds a run: give --resume, --overwrite or another folder")
        for path in own:
            path.unlink(missing_ok=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}") from error


@dataclass(frozen=True)
class _Judging:
    """How answers are judged: what a record hangs on beside its row."""

    setup: "Setup"
    used: bool
    again: bool

    @cached_property
    def verifier(self) -> "EntailmentModel":
        return self.setup.entailment_model()

    def settings(self) -> dict[str, object]:
        setup = self.setup
        measuring = {
            "model": str(setup.model),
            "method": setup.method,
            "max_passes": setup.max_passes,
        }
        return {
            "threshold": setup.threshold,
            "claims": setup.claims,
            "offsets": setup.offsets,
            "again": self.again,
            "used": measuring if self.used else None,
            "verifier": f"{self.verifier.name} {self.verifier.revision}",
        }

    def engine(self, name: str, state: "RunState", *, workers: int | None) -> "Engine":
        """Here the verifier remembers what it said in the state; workers of Ray have no state."""
        from ragattr.auditing import audit_rows
        from ragattr.batch.engine import ROWS_TOGETHER, engine_of
        from ragattr.models.remembered import Remembered

        setup = self.setup
        if name == "local":
            setup = replace(setup, verifier=Remembered(self.verifier, state.pairs()))
        start = partial(audit_rows, setup, used=self.used, again=self.again)
        return engine_of(name, start, workers=workers, rows_together=ROWS_TOGETHER)


def _end(
    audit: "Audit",
    outcome: "Outcome",
    folder: Path,
    wishes: Mapping[str, float],
    *,
    as_json: bool,
) -> None:
    """Say what was found, and leave with what it comes to."""
    from rich.console import Console

    from ragattr.batch.evaluate import REPORT
    from ragattr.batch.evaluate import as_json as said
    from ragattr.batch.wishes import unmet
    from ragattr.report.audit import print_audit

    for failure in outcome.failures:
        say(f"ragattr: {failure}")
    if as_json:
        show_json(said(audit))
    else:
        print_audit(audit, Console())
        typer.echo(f"{folder / REPORT}")
    short = unmet(audit.figures, wishes)
    for line in short:
        say(f"ragattr: {line}")
    if outcome.exit_code or short:
        raise typer.Exit(outcome.exit_code or 1)
