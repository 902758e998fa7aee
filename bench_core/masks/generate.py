"""Drawing a whole mask set: in order, in one process or in several, as they come or in balanced buckets."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count as endless
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from bench_core.masks import mask_file as mask_file
from bench_core.masks.balance import balanced, with_and_without_border
from bench_core.masks.mask_file import PackedHole, pack
from bench_core.masks.mask_set import MaskSet
from bench_core.system.progress import progress_bar
from bench_core.system.threads import use_one_thread

T = TypeVar("T")
AHEAD = 32
"""Holes that each process is given at a time."""


def make(path: Path, holes: MaskSet, size: int, seed: int, count: int, balance: bool = False, workers: int = 1) -> str:
    """Draw `count` holes, write them, and return the file's sha256. The number of workers changes no byte.

    Hole i is ``holes.draw(size, seed, i)``, what a protocol of this size and seed draws for its pair i; with `balance`
    the holes are chosen from that sequence, see `bench_core.masks.balance`.

    Raises:
        BadInput: a hole cannot be drawn, a bucket cannot be filled, or the file cannot be written.
    """
    with progress_bar(f"holes of {holes.family.name}", count, "holes") as tell:
        if balance:
            proposals = _in_order(partial(_proposed, holes, size, seed), endless(), workers)
            made = balanced(proposals, count, tell)
        else:
            made = _told(_in_order(partial(_drawn, holes, size, seed), range(count), workers), tell)
    about: dict[str, Any] = {"family": holes.family.name, "seed": seed, "balanced": balance}
    about["parameters"] = {key: value for key, value in holes.identity.items() if key != "family"}
    return mask_file.write(path, size, made, about)


def _drawn(holes: MaskSet, size: int, seed: int, number: int) -> PackedHole:
    return pack(holes.draw(size, seed, number))


def _proposed(holes: MaskSet, size: int, seed: int, number: int) -> tuple[PackedHole | None, PackedHole]:
    return with_and_without_border(holes.draw(size, seed, number))


def _told(holes: Iterable[PackedHole], tell: Callable[[int, str], None]) -> list[PackedHole]:
    made = []
    for hole in holes:
        made.append(hole)
        tell(len(made), "")
    return made


def _in_order(draw: Callable[[int], T], numbers: Iterable[int], workers: int) -> Iterator[T]:
    """What `draw` returns for each number, in the numbers' order."""
    if workers < 2:
        yield from map(draw, numbers)
        return
    left = iter(numbers)
    with ProcessPoolExecutor(workers, get_context("spawn"), use_one_thread) as pool:
        while batch := list(islice(left, AHEAD * workers)):
            yield from pool.map(draw, batch, chunksize=AHEAD // 4)
