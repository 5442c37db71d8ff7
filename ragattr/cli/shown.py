"""What the commands print for people."""

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from ragattr.record import Row


def show_json(row: "Row") -> None:
    """A row as one line of JSON."""
    from ragattr.record import dumps

    sys.stdout.write(dumps(row) + "\n")
    sys.stdout.flush()


def show_record(row: "Row") -> None:
    """A record for people."""
    from rich.console import Console

    from ragattr.report.terminal import print_record

    print_record(row, Console())


def show_revision(row: "Row") -> None:
    """What a revision changed, for people."""
    from rich.console import Console

    from ragattr.report.diff import print_revision

    print_revision(row, Console())


def show_cost(row: "Row") -> None:
    """What a rehearsed row would cost."""
    from ragattr.report.summary import readable

    typer.echo(
        f"{readable(str(row['id']))}: {row['sentences']} sentences, about {row['passes']} passes, "
        f"{row['calls']} calls, {row['tokens']:,} tokens"
    )


def show_passages(row: "Row") -> None:
    """The passages that were found, with their scores."""
    from ragattr.report.summary import readable

    for passage in row["passages"]:
        title = f"{passage['title']}: " if passage.get("title") else ""
        text = readable(f"{title}{passage['text']}").replace("\n", " ")
        typer.echo(f"{passage['score']:.4f}  {readable(passage['id'])}\n    {text}")


def show_pair(row: "Row") -> None:
    """A judged pair as one line, fields parted by tabs."""
    from ragattr.report.summary import readable

    p = row["probability"]
    figure = "-" if p is None else f"{p:.3f}"
    fields = (row["id"], row["predicted"] or "unclear", figure, row["claim"])
    typer.echo("\t".join(readable(field) for field in fields))


def show_scores(row: "Row") -> None:
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


def show_components(row: "Row") -> None:
    """The sentence, and the heads and MLPs that say most different things without it."""
    from ragattr.report.summary import readable

    for warning in row["warnings"]:
        say(readable(warning))
    said = f"as read by {row['model']['name']}" if row["proxy"] else f"in {row['model']['name']}"
    typer.echo(readable(f"{row['answer']}\nwith and without: {row['source']['text']} ({said})\n"))
    for component in row["top"]:
        typer.echo(f"  {component['name']:8} {component['jsd']:.4f} nats")


def show_heads(row: "Row") -> None:
    """Heads by what patching shows: above zero for the context answer, below for memory's."""
    typer.echo(f"{row['said']}\n\nhead     estimated  patched")
    for head in row["verified"]:
        role = "context" if head["patched"] > 0 else "memory"
        typer.echo(f"{head['head']:8}{head['estimated']:+10.2f}{head['patched']:+9.2f}  {role}")


def show_methods() -> None:
    """Name, cost in passes, whether it takes sentences away, and what it does."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from ragattr.setup import METHODS

    table = Table("method", "passes", "intervenes", "what it does", box=box.SIMPLE_HEAD)
    for name, method in METHODS.items():
        table.add_row(name, method.cost, "yes" if method.intervenes else "no", method.what)
    Console().print(table)


def say(line: str) -> None:
    """One line on standard error; control characters cannot move the cursor."""
    safe = "".join(char if char.isprintable() else "\ufffd" for char in line)
    sys.stderr.write(safe.encode("utf-8", "replace").decode("utf-8") + "\n")
