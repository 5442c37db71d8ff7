"""Rows worked on by Ray Data: on the cores of one machine, or on a cluster.

The driver reads the rows, keeps the state and writes, as `Here` does. It feeds groups into a
dataset of which one row is one group; actors that each hold their own models do the work.
"""

import json
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ragattr.batch.engine import ROWS_TOGETHER, Done, Work, worked
from ragattr.errors import ConfigError, MissingExtra, StageError
from ragattr.record import Row, dumps

try:
    import pyarrow
    import ray
    import ray.data
    from ray.data.datasource import Datasource, ReadTask
    from ray.util.queue import Queue
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise MissingExtra("ray") from error

GROUPS_AHEAD = 4  # for each worker: what is under way at most, so that memory does not grow
_GROUP, _DONE = "group", "done"


@dataclass(frozen=True)
class OnRay:
    """An engine of worker processes.

    A worker that is lost, alone or with its machine, is started again and its group done again.

    Attributes:
        start: makes the work in each worker, with models of its own.
        workers: how many; None for one on each core of the cluster.
        address: of a running cluster, as `ray.init` takes it; None starts one on this machine.
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
        with _cluster(self.address), _feed() as queue:
            workers = self.workers or max(int(ray.cluster_resources()["CPU"]) // self.cores, 1)
            results = _results(self._dataset(queue, workers))
            under_way = deque[bool]()  # whether the group was sent; one without rows is not
            for group in groups:
                if group:
                    queue.put(json.dumps(group))
                under_way.append(bool(group))
                if len(under_way) == GROUPS_AHEAD * workers:
                    yield next(results) if under_way.popleft() else []
            queue.put(None)
            for was_sent in under_way:
                yield next(results) if was_sent else []
            for _ in results:
                raise StageError("Ray gave back more groups than were sent")

    def _dataset(self, queue: Queue, workers: int) -> "ray.data.Dataset":
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        fed = ray.data.read_datasource(
            _Fed(queue),
            override_num_blocks=1,
            ray_remote_args={"num_cpus": 0, "max_retries": 0, "scheduling_strategy": here},
        )
        return fed.map_batches(
            _Worker,
            fn_constructor_args=(self.start, self.cores),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=self.cores,
            max_restarts=-1,
            max_task_retries=-1,
        )


class _Fed(Datasource):  # type: ignore[misc]  # what Ray is made of has no types
    """Reads groups from a queue until it says None."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self._queue = queue

    def estimate_inmemory_data_size(self) -> None:
        return None

    def get_read_tasks(self, parallelism: int, *args: object, **options: object) -> list[ReadTask]:
        queue = self._queue

        def blocks() -> Iterator["pyarrow.Table"]:
            while (group := queue.get()) is not None:
                yield pyarrow.table({_GROUP: [group]})

        unknown = ray.data.block.BlockMetadata(
            num_rows=None, size_bytes=None, input_files=None, exec_stats=None
        )
        return [ReadTask(blocks, unknown)]


class _Worker:
    """An actor with the work and its models."""

    def __init__(self, start: Callable[[], Work], cores: int) -> None:
        try:
            import torch
        except ImportError:
            pass
        else:
            torch.set_num_threads(cores)
        self._work = start()

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        (group,) = batch[_GROUP]
        done = worked(json.loads(group), self._work)
        return {_DONE: [json.dumps([[d.record and dumps(d.record), d.error] for d in done])]}


def _results(dataset: "ray.data.Dataset") -> Iterator[list[Done]]:
    for batch in dataset.iter_batches(batch_size=1, prefetch_batches=0, batch_format="pyarrow"):
        (group,) = batch[_DONE].to_pylist()
        yield [
            Done(None if record is None else json.loads(record), error)
            for record, error in json.loads(group)
        ]


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """A cluster to work on; one that was started here is stopped at the end."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    was_running = ray.is_initialized()
    if not was_running:
        try:
            ray.init(address=address, logging_level=logging.WARNING, log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ConfigError(f"no Ray cluster at {address}: {error}") from error
    context = ray.data.DataContext.get_current()
    before = context.target_max_block_size, context.execution_options.preserve_order
    context.target_max_block_size = 1  # bytes: every group is a block of its own
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    try:
        yield
    except ray.exceptions.RayError as error:
        raise StageError(f"Ray could not go on: {error}") from error
    finally:
        context.target_max_block_size, context.execution_options.preserve_order = before
        if not was_running:
            ray.shutdown()


@contextmanager
def _feed() -> Iterator[Queue]:
    queue = Queue(actor_options={"num_cpus": 0})
    try:
        yield queue
    finally:
        queue.shutdown(force=True)
