"""The one command, `ragattr`, that every other hangs on."""

from typing import Annotated, Any

import typer

from ragattr import __version__

app = typer.Typer(
    name="ragattr",
    help="Citation and attribution for RAG: what an answer used, and what supports it.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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
