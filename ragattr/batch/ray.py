"""Rows worked on by Ray Data: on the cores of one machine, or on a cluster.

The driver reads the rows, keeps the state and writes, as `Here` does. It feeds groups into a
dataset of which one row is one group; actors that each hold their own models do the work.
"""

import asyncio
import json
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ragattr.batch.engine import ROWS_TOGETHER, Done, Work, worked
from ragattr.errors import ConfigError, MissingExtra, StageError
from ragattr.models.loading import first_line
from ragattr.record import Row, dumps, loads

try:
    import pyarrow
    import ray
    import ray.data
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise MissingExtra("ray") from error

GROUPS_AHEAD = 4  # for each worker: what is under way at most, so that memory does not grow
SECONDS_TO_REACH = 5
_GROUP, _DONE = "group", "done"


@dataclass(frozen=True)
class OnRay:
    """An engine of worker processes.

    A worker that is lost, alone or with its machine, is started again and its groups done again.

    Attributes:
        start: makes the work in each worker, with models of its own.
        workers: how many; None for one on each core of the cluster.
        address: of a running cluster, as `ray.init` takes it; None is what RAY_ADDRESS says, or
            a cluster of this machine alone.
        cores: of one worker, threads of its models too.
    """

    start: Callable[[], Work] = field(repr=False)
    workers: int | None = None
    address: str | None = None
    cores: int = 1
    rows_together: int = ROWS_TOGETHER

    def __post_init__(self) -> None:
        for name in ("workers", "cores", "rows_together"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"{name} is at least 1, got {value}")

    def __call__(self, groups: Iterable[Sequence[Row]]) -> Generator[list[Done]]:
        """What became of the rows of each group, in the order of the groups."""
        with _cluster(self.address):
            workers = self.workers or max(int(ray.cluster_resources()["CPU"]) // self.cores, 1)
            feed = _feed()
            dataset = self._dataset(feed, workers)
            logging.getLogger("ray.data").setLevel(logging.ERROR)  # Ray sets it with a dataset
            with closing(_results(dataset, feed)) as results:
                yield from _in_turn(groups, feed, results, most=GROUPS_AHEAD * workers)

    def _dataset(self, feed: Any, workers: int) -> "ray.data.Dataset":
        """A row for each group, what became of it; workers take them as they come."""
        fed = ray.data.read_datasource(_Fed(feed), override_num_blocks=1, num_cpus=0)
        return fed.map_batches(
            _Worker,
            fn_constructor_args=(self.start, self.cores),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=self.cores,
        )


def _in_turn(
    groups: Iterable[Sequence[Row]], feed: Any, results: Iterator[list[Done]], *, most: int
) -> Generator[list[Done]]:
    """Feed groups, at most so many ahead of the results; one without rows is not sent."""
    were_sent = deque[bool]()
    for group in groups:
        if group:
            ray.get(feed.put.remote(json.dumps(group)))
        were_sent.append(bool(group))
        if len(were_sent) == most:
            yield next(results) if were_sent.popleft() else []
    feed.put.remote(None)
    for was_sent in were_sent:
        yield next(results) if was_sent else []
    next(results, None)  # lets Ray end its dataset


class _Feed:
    """An actor beside the driver that hands out groups by number, again if need be.

    A group whose result has come is forgotten; whoever reads it again gets one without rows.
    """

    def __init__(self) -> None:
        self._groups = dict[int, str | None]()
        self._n_put = 0
        self._changed = asyncio.Condition()

    async def put(self, group: str | None) -> None:
        """The next group; None ends them."""
        async with self._changed:
            self._groups[self._n_put] = group
            self._n_put += 1
            self._changed.notify_all()

    async def get(self, number: int) -> str | None:
        """A group, when it is there."""
        async with self._changed:
            await self._changed.wait_for(lambda: number < self._n_put)
            return self._groups.get(number, "[]")

    async def forget(self, number: int) -> None:
        """Its result has come."""
        self._groups.pop(number, None)


def _feed() -> Any:
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(_Feed).options(num_cpus=0, scheduling_strategy=here).remote()


class _Fed(Datasource):  # type: ignore[misc]  # what Ray is made of has no types
    """Reads the groups of a feed."""

    def __init__(self, feed: Any) -> None:
        super().__init__()
        self._feed = feed

    def estimate_inmemory_data_size(self) -> None:
        return None

    def get_read_tasks(self, parallelism: int, *args: object, **options: object) -> list[Any]:
        feed = self._feed

        def blocks() -> Iterator["pyarrow.Table"]:
            for number in count():
                if (group := ray.get(feed.get.remote(number))) is None:
                    return
                yield pyarrow.table({_GROUP: [group]})

        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(blocks, unknown)]


class _Worker:
    """An actor with the work and its models."""

    def __init__(self, start: Callable[[], Work], cores: int) -> None:
        with suppress(ImportError):
            import torch

            torch.set_num_threads(cores)
        self._work = start()

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        (group,) = batch[_GROUP]
        done = worked(json.loads(group), self._work)
        return {_DONE: [json.dumps([[d.record and dumps(d.record), d.error] for d in done])]}


def _results(dataset: "ray.data.Dataset", feed: Any) -> Generator[list[Done]]:
    batches = dataset.iter_batches(batch_size=1, prefetch_batches=0, batch_format="pyarrow")
    for number, batch in enumerate(batches):
        feed.forget.remote(number)
        (group,) = batch[_DONE].to_pylist()
        yield [
            Done(None if record is None else loads(record), error)
            for record, error in json.loads(group)
        ]


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """A cluster to work on: the one this process is in already, or another that it stays in.

    It is left when the process ends: Ray's threads may outlast a dataset that was given up.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    if not ray.is_initialized():
        address = address or os.environ.get("RAY_ADDRESS", "local")
        try:
            _reach(address)
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise ConfigError(f"no Ray cluster at {address}: {first_line(error)}") from error
    context = ray.data.DataContext.get_current()
    before = context.target_max_block_size, context.execution_options.preserve_order
    context.target_max_block_size = 1  # bytes: every group is a block of its own
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    try:
        yield
    except ray.exceptions.RayError as error:
        raise StageError(f"Ray could not go on: {first_line(error)}") from error
    finally:
        context.target_max_block_size, context.execution_options.preserve_order = before


def _reach(address: str) -> None:
    """Raise an OSError where nobody listens at HOST:PORT; Ray itself would try for a minute."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS_TO_REACH).close()
