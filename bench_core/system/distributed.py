"""Process group of one command: one process for each device. The first process is rank zero.

Any rank may fail alone. Work that may fail runs inside `all_gather`, `run_all`, `on_rank_zero` or `rank_zero_first`.
They raise on every rank together. So no rank blocks on one that failed, or receives a message meant for the next cell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from bench_core.errors import BadInput

T = TypeVar("T")


class RemoteRankError(BadInput):
    """Failure of another rank. The message quotes its error."""


@dataclass(frozen=True)
class ProcessGroup:
    """Processes that train and evaluate one method together. A single process never communicates."""

    rank: int = 0
    """Number of this process, from 0 to ``world_size - 1``."""
    world_size: int = 1

    @property
    def is_rank_zero(self) -> bool:
        return self.rank == 0

    def all_gather(self, work: Callable[[], T]) -> list[T]:
        """Run `work` on every rank and return all results, ordered by rank. Results must be picklable.

        Raises:
            RemoteRankError: another rank failed. An error of this rank is raised as it is.
        """
        if self.world_size == 1:
            return [work()]
        result, failure = None, None
        try:
            result = work()
        except Exception as error:
            failure = error
        gathered: list[Any] = [None] * self.world_size
        message = failure and f"{type(failure).__name__}: {failure}"
        _exchange_or_exit(lambda: distributed.all_gather_object(gathered, (result, message)))
        if failure:
            raise failure
        for rank, (_, message) in enumerate(gathered):
            if message:
                raise RemoteRankError(f"rank {rank} of {self.world_size} failed with {message}")
        return [result for result, _ in gathered]

    def run_all(self, work: Callable[[], T]) -> T:
        """Run `work` on every rank, wait for all ranks, and return this rank's result. It need not be picklable."""
        results: list[T] = []
        self.all_gather(lambda: results.append(work()))
        return results[0]

    def on_rank_zero(self, work: Callable[[], T]) -> T:
        """Run `work` on rank zero alone and return its result on every rank. Use it for every write to disk."""
        results: list[Any] = self.all_gather(lambda: work() if self.is_rank_zero else None)
        return results[0]

    def rank_zero_first(self, work: Callable[[], T]) -> T:
        """Run `work` on rank zero, then on the other ranks. If rank zero fails, the others exit without a message."""
        results: list[T] = []
        try:
            self.all_gather(lambda: results.append(work()) if self.is_rank_zero else None)
            self.all_gather(lambda: None if self.is_rank_zero else results.append(work()))
        except RemoteRankError:
            if self.is_rank_zero:
                raise
            raise SystemExit(0) from None
        return results[0]

    def shard_batches(self, positions: Sequence[int], batch: int) -> Iterator[Sequence[int]]:
        """Yield this rank's share of every batch. Shares differ by at most one position and may be empty."""
        for first in range(0, len(positions), batch):
            whole = positions[first : first + batch]
            start, stop = (len(whole) * rank // self.world_size for rank in (self.rank, self.rank + 1))
            yield whole[start:stop]

    def all_reduce_sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks. Every rank gives the same shapes in the same order."""
        self._exchange_flat(tensors, distributed.all_reduce)

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by rank zero's."""
        self._exchange_flat(tensors, lambda joined: distributed.broadcast(joined, 0))

    def _exchange_flat(self, tensors: Iterable[Tensor], exchange: Callable[[Tensor], Any]) -> None:
        tensors = list(tensors) if self.world_size > 1 else []
        if not tensors:
            return
        # one long vector, since the latency of a message outweighs its size
        joined = torch.cat([tensor.detach().flatten() for tensor in tensors])
        _exchange_or_exit(lambda: exchange(joined))
        for tensor, part in zip(tensors, joined.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.detach().copy_(part.view_as(tensor))


SINGLE_PROCESS = ProcessGroup()


def _exchange_or_exit(exchange: Callable[[], Any]) -> None:
    """Exit if the other processes cannot be reached, since the ranks can no longer agree on anything."""
    try:
        exchange()
    except RuntimeError as error:
        raise SystemExit(
            f"Another process of this run was lost ({error}). Repeat the same command to resume the run."
        ) from error
