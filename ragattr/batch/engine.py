"""Where rows are worked on: an engine takes groups of cases and gives back what became of each."""

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeGuard

from ragattr.errors import ConfigError, RagattrError
from ragattr.record import Row, dumps

logger = logging.getLogger(__name__)

ROWS_TOGETHER = 64
Work = Callable[[Row], Row]


@dataclass(frozen=True)
class Done:
    """What became of a row: its record, or why it failed."""

    record: Row | None
    error: str | None = None


class Engine(Protocol):
    """Works on groups in their order; how many it takes before it gives one back is its own."""

    @property
    def rows_together(self) -> int:
        """The size of a group."""
        ...

    def __call__(self, groups: Iterable[Sequence[Row]]) -> Generator[list[Done]]:
        """What became of the rows of each group."""
        ...


class Together(Protocol):
    """Work that is quicker on many rows at once."""

    def __call__(self, row: Row) -> Row: ...

    def together(self, rows: Sequence[Row]) -> list[Row]:
        """What it does to each of the rows, in their order."""
        ...


@dataclass(frozen=True)
class Here:
    """In this process, one group after the other."""

    work: Work

    @property
    def rows_together(self) -> int:
        """One where nothing is won by more: a row that is finished is kept at once."""
        return ROWS_TOGETHER if goes_together(self.work) else 1

    def __call__(self, groups: Iterable[Sequence[Row]]) -> Generator[list[Done]]:
        return (worked(group, self.work) for group in groups)


def engine_of(
    name: str, start: Callable[[], Work], *, workers: int | None = None, rows_together: int = 1
) -> Engine:
    """The engine of that name: local, ray, or ray:ADDRESS of a running cluster.

    Args:
        start: makes the work; in every worker, where there are several.
        workers: how many Ray has; None for one on each core.
        rows_together: what Ray gives to a worker at once; here the work says it itself.

    Raises:
        ConfigError: there is no such engine.
        MissingExtra: Ray is not installed.
    """
    kind, _, address = name.partition(":")
    if kind == "ray":
        from ragattr.batch.ray import OnRay

        return OnRay(start, workers, address or None, rows_together=rows_together)
    if name != "local":
        raise ConfigError(f"--engine is local, ray or ray:ADDRESS, not {name!r}")
    if workers is not None:
        raise ConfigError("--workers goes with --engine ray")
    return Here(start())


def goes_together(work: Work) -> TypeGuard[Together]:
    """Whether it takes many rows at once."""
    return hasattr(work, "together")


def worked(rows: Sequence[Row], work: Work) -> list[Done]:
    """What became of the rows; where work on all of them fails, each is worked on alone."""
    if len(rows) > 1 and goes_together(work):
        with suppress(Exception):  # whose fault it is shows when each is done alone
            records = work.together(rows)
            for record in records:
                dumps(record)
            return [Done(record) for record in records]
    return [_alone(row, work) for row in rows]


def _alone(row: Row, work: Work) -> Done:
    try:
        record = work(row)
        dumps(record)  # a result that is no JSON is this row's failure, not the sink's
    except Exception as error:  # one row must not take the finished ones with it
        logger.debug("row %s", row.get("id"), exc_info=True)
        return Done(None, message_of(error))
    return Done(record)


def message_of(error: Exception) -> str:
    """Why a row failed, in a sentence."""
    return str(error) if isinstance(error, RagattrError) else f"unexpected {error!r}"
