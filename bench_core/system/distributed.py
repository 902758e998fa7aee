"""The processes that train and evaluate one method together, one for each device. The first of them is rank zero.

Each may fail alone. Work that may fail runs inside a method of the group, which raises on every rank together, so no
rank blocks on one that failed or receives a message meant for the next cell.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from bench_core.errors import BadInput
from bench_core.system.process_group import ProcessGroup

T = TypeVar("T")


class RemoteRankError(BadInput):
    """Another rank failed; the text says why."""


@dataclass(frozen=True)
class Distributed(ProcessGroup):
    """A process group of torch, as one of its ranks sees it."""

    rank: int = 0
    world_size: int = 1

    def gather(self, work: Callable[[], T]) -> list[T]:
        if self.world_size == 1:
            return super().gather(work)
        mine, failure = None, None
        try:
            mine = work()
        except Exception as error:
            failure = error
        found: list[Any] = [None] * self.world_size
        message = failure and f"{type(failure).__name__}: {failure}"
        _exchange(lambda: distributed.all_gather_object(found, (mine, message)))
        if failure:
            raise failure
        for rank, (_, message) in enumerate(found):
            if message:
                raise RemoteRankError(f"rank {rank} of {self.world_size} failed with {message}")
        return [value for value, _ in found]

    def rank_zero_first(self, work: Callable[[], T]) -> T:
        found: list[T] = []
        try:
            self.gather(lambda: found.append(work()) if self.is_rank_zero else None)
            self.gather(lambda: None if self.is_rank_zero else found.append(work()))
        except RemoteRankError:
            if self.is_rank_zero:
                raise
            raise SystemExit(0) from None
        return found[0]

    def all_reduce_sum(self, tensors: Iterable[Tensor]) -> None:
        self._at_once(tensors, distributed.all_reduce)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        self._at_once(tensors, lambda joined: distributed.broadcast(joined, 0))

    def _at_once(self, tensors: Iterable[Tensor], exchange: Callable[[Tensor], Any]) -> None:
        """Send tensors as one long vector: a message costs more than its content."""
        each = list(tensors) if self.world_size > 1 else []
        if not each:
            return
        joined = torch.cat([tensor.detach().flatten() for tensor in each])
        _exchange(lambda: exchange(joined))
        for tensor, part in zip(each, joined.split([tensor.numel() for tensor in each]), strict=True):
            tensor.detach().copy_(part.view_as(tensor))


def _exchange(send: Callable[[], Any]) -> None:
    """Exit this process if the others cannot be reached: nothing can be agreed on any more."""
    try:
        send()
    except RuntimeError as error:
        raise SystemExit(
            f"Another process of this run was lost ({error}). Repeat the same command to go on where it was."
        ) from error
