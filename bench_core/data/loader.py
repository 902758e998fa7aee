"""Batches of pairs, read by this process or by several that each compute on one thread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

import torch
from torch.utils.data import DataLoader

from bench_core.data.pairs import Pair, Pairs, TrainPairs
from bench_core.system import signals
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup
from bench_core.system.threads import prepare_fork_safety, use_one_thread

T = TypeVar("T")


def loader(
    pairs: Pairs | TrainPairs,
    batch: int,
    workers: int,
    device: torch.device,
    positions: Sequence[int],
    group: ProcessGroup = SINGLE_PROCESS,
) -> DataLoader[Pair]:
    """The pairs at some positions, in their order: of every batch this rank's part, unless that is empty.

    Args:
        workers: processes that read; with 0 this one does.
        device: where the batches go next. Those for CUDA lie in pinned memory, so that copying waits for nothing.
    """
    prepare_fork_safety()
    return DataLoader(
        pairs,
        batch_sampler=_Parts(positions, batch, group),
        num_workers=workers,
        worker_init_fn=_begin,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # its own, as it would else draw from the first step's randomness
    )


@dataclass(frozen=True)
class _Parts:
    positions: Sequence[int]
    batch: int
    group: ProcessGroup

    def __iter__(self) -> Iterator[list[int]]:
        return (list(part) for part in self.group.parts(self.positions, self.batch) if part)


def _begin(worker: int) -> None:
    use_one_thread(worker)
    signals.ignore_in_worker()


class TimedIterator(Iterator[T], Generic[T]):
    """An iterator, and how many seconds were spent on waiting for it."""

    def __init__(self, awaited: Iterator[T]) -> None:
        self.awaited, self.seconds = awaited, 0.0

    def __next__(self) -> T:
        began = perf_counter()
        try:
            return next(self.awaited)
        finally:
            self.seconds += perf_counter() - began
