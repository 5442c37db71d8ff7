"""The command that trains what ragattr judges and measures with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ragattr.cli.app import app
from ragattr.cli.options import (
    Contexts,
    Data,
    EncoderName,
    Learned,
    Model,
    Seed,
    SpreadData,
    VerifierFolder,
    Without,
    WorkFolder,
)
from ragattr.cli.running import bar
from ragattr.errors import ConfigError


@app.command(cls=SpreadData)
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
    with bar(len(contexts), "contexts") as advance:
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
    with bar(len(lessons), "texts") as advance:
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
    with bar(1, "verifier") as advance:
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
