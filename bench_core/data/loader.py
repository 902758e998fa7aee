"""Batches of pairs, read by this process or by worker processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader

from bench_core.data.pairs import Pair, Pairs, TrainPairs
from bench_core.system import signals
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup
from bench_core.system.threads import prepare_fork_safety, usable_cores, use_one_thread

T = TypeVar("T")


MAX_WORKERS = 8
"""Processes that load images for a GPU by default."""


def loading_processes(asked: int | None, device: torch.device) -> int:
    """Return the number of processes to load images with: as asked, or what keeps a GPU busy."""
    if asked is not None:
        return asked
    return min(MAX_WORKERS, usable_cores() - 1) if device.type == "cuda" else 0


def loader(
    pairs: Pairs | TrainPairs,
    batch: int,
    workers: int,
    device: torch.device,
    positions: Sequence[int],
    group: ProcessGroup = SINGLE_PROCESS,
) -> DataLoader[Pair]:
    """Return a loader of the pairs at `positions`, in that order.

    Each rank reads its own part of every batch. It skips a batch of which its part is empty.

    Args:
        batch: batch size over all ranks.
        workers: number of worker processes, with one thread each; 0 reads in this process.
        device: device of the model. For CUDA, batches are in pinned memory, so copies run in the background.
    """
    prepare_fork_safety()
    return DataLoader(
        pairs,
        batch_sampler=_RankBatches(positions, batch, group),
        num_workers=workers,
        worker_init_fn=_init_worker,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # a DataLoader without its own generator advances the global one
    )


@dataclass(frozen=True)
class _RankBatches:
    positions: Sequence[int]
    batch: int
    group: ProcessGroup

    def __iter__(self) -> Iterator[list[int]]:
        return (list(part) for part in self.group.parts(self.positions, self.batch) if part)


def _init_worker(worker: int) -> None:
    use_one_thread(worker)
    signals.ignore_in_worker()


class TimedIterator(Iterator[T], Generic[T]):
    """Iterator that counts the seconds spent waiting for its items."""

    def __init__(self, items: Iterator[T]) -> None:
        self.items, self.seconds = items, 0.0

    def __next__(self) -> T:
        began = perf_counter()
        try:
            return next(self.items)
        finally:
            self.seconds += perf_counter() - began
