"""The processes that train and evaluate one method together. Without torch: one process alone.

`bench_core.system.distributed.Distributed` is the group of several.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class ProcessGroup:
    """A group of one process, which waits for nobody."""

    rank: int = 0
    world_size: int = 1

    @property
    def is_rank_zero(self) -> bool:
        return self.rank == 0

    def gather(self, work: Callable[[], T]) -> list[T]:
        """Return the result of every rank's work, by rank. Results are sent to all ranks, so they must be plain data.

        Raises:
            RemoteRankError: another rank's work raised. An exception of this rank's own work is raised unchanged.
        """
        return [work()]

    def run_all(self, work: Callable[[], T]) -> T:
        """Return the result of this rank's work, which may be anything, after the work of all ranks has succeeded."""
        found: list[T] = []
        self.gather(lambda: found.append(work()))
        return found[0]

    def on_rank_zero(self, work: Callable[[], T]) -> T:
        """Return the result of rank zero's work on every rank. Everything that writes runs here."""
        found: list[Any] = self.gather(lambda: work() if self.is_rank_zero else None)
        return found[0]

    def rank_zero_first(self, work: Callable[[], T]) -> T:
        """Run work on rank zero, then on the others. If rank zero's work fails, the others exit silently."""
        return work()

    def all_reduce_sum(self, tensors: Iterable[Any]) -> None:
        """Replace each tensor by its sum over all ranks. All ranks give the same shapes in the same order."""

    def broadcast(self, tensors: Iterable[Any]) -> None:
        """Replace each tensor by rank zero's."""

    def parts(self, positions: Sequence[int], batch: int) -> Iterator[Sequence[int]]:
        """This rank's part of every batch. Sizes differ by one at most; a part is empty if ranks outnumber images."""
        for first in range(0, len(positions), batch):
            whole = positions[first : first + batch]
            yield whole[len(whole) * self.rank // self.world_size : len(whole) * (self.rank + 1) // self.world_size]


S = TypeVar("S", bound=Any)


def collective(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Let a method run on rank zero of ``self.group``, and return its result on every rank. All ranks must call it."""

    @wraps(method)
    def call(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.group.on_rank_zero(lambda: method(self, *args, **kwargs))

    return call


SINGLE_PROCESS = ProcessGroup()
