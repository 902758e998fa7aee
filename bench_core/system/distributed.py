"""The processes that train and evaluate one method together, one for each device. The first of them is rank zero.

Each may fail alone. Work that may fail runs inside `gather`, `run_all`, `on_rank_zero` or `rank_zero_first`, which
raise on every rank together, so no rank blocks on one that failed or receives a message meant for the next cell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from bench_core.errors import BadInput

T = TypeVar("T")


class RemoteRankError(BadInput):
    """Another rank could not go on; the text tells why."""


@dataclass(frozen=True)
class Distributed:
    """All of them, as this one sees them. One process alone needs no group, and waits for nobody."""

    rank: int = 0
    """Which of them this process is."""
    count: int = 1

    @property
    def is_rank_zero(self) -> bool:
        return self.rank == 0

    def gather(self, work: Callable[[], T]) -> list[T]:
        """What every rank's work returns, by rank. It must be plain data, for it is sent to all.

        Raises:
            FailedElsewhere: another rank's work raised something. What this rank's raises is raised as it is.
        """
        if self.count == 1:
            return [work()]
        mine, failure = None, None
        try:
            mine = work()
        except Exception as error:
            failure = error
        found: list[Any] = [None] * self.count
        told = failure and f"{type(failure).__name__}: {failure}"
        _together(lambda: distributed.all_gather_object(found, (mine, told)))
        if failure:
            raise failure
        for rank, (_, told) in enumerate(found):
            if told:
                raise RemoteRankError(f"rank {rank} of {self.count} failed with {told}")
        return [value for value, _ in found]

    def run_all(self, work: Callable[[], T]) -> T:
        """What this rank's work returns, which may be anything, once that of all ranks is done."""
        found: list[T] = []
        self.gather(lambda: found.append(work()))
        return found[0]

    def on_rank_zero(self, work: Callable[[], T]) -> T:
        """What rank zero's work returns, here and elsewhere; the others wait for it. For all that writes."""
        found: list[Any] = self.gather(lambda: work() if self.is_rank_zero else None)
        return found[0]

    def rank_zero_first(self, work: Callable[[], T]) -> T:
        """Work on rank zero first, and then on the others, which leave quietly where it failed."""
        found: list[T] = []
        try:
            self.gather(lambda: found.append(work()) if self.is_rank_zero else None)
            self.gather(lambda: None if self.is_rank_zero else found.append(work()))
        except RemoteRankError:
            if self.is_rank_zero:
                raise
            raise SystemExit(0) from None
        return found[0]

    def parts(self, positions: Sequence[int], batch: int) -> Iterator[Sequence[int]]:
        """This rank's part of every batch: even but for one, in order of rank, and empty where ranks are too many."""
        for first in range(0, len(positions), batch):
            whole = positions[first : first + batch]
            yield whole[len(whole) * self.rank // self.count : len(whole) * (self.rank + 1) // self.count]

    def all_reduce_sum(self, tensors: Iterable[Tensor]) -> None:
        """Put the sum over all ranks in place of each tensor. All ranks give the same shapes in the same order."""
        self._at_once(tensors, distributed.all_reduce)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Put rank zero's values in place of each tensor."""
        self._at_once(tensors, lambda joined: distributed.broadcast(joined, 0))

    def _at_once(self, tensors: Iterable[Tensor], exchange: Callable[[Tensor], Any]) -> None:
        """As one long vector, since a message costs more than what it carries."""
        each = list(tensors) if self.count > 1 else []
        if not each:
            return
        joined = torch.cat([tensor.detach().flatten() for tensor in each])
        _together(lambda: exchange(joined))
        for tensor, part in zip(each, joined.split([tensor.numel() for tensor in each]), strict=True):
            tensor.detach().copy_(part.view_as(tensor))


SINGLE_PROCESS = Distributed()


def _together(exchange: Callable[[], Any]) -> None:
    """Ends this process where the others cannot be reached, as nothing can be agreed on any more."""
    try:
        exchange()
    except RuntimeError as error:
        raise SystemExit(
            f"Another process of this run was lost ({error}). Repeat the same command to resume the run."
        ) from error
