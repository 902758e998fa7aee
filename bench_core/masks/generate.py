"""Generate a mask set file from a mask family, in one process or in several."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count as endless
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from bench_core.masks import mask_file
from bench_core.masks.balance import Proposal, propose, select_balanced
from bench_core.masks.mask_file import PackedHole, pack
from bench_core.masks.mask_set import MaskSet
from bench_core.system.progress import progress_bar
from bench_core.system.threads import use_one_thread

T = TypeVar("T")
HOLES_PER_WORKER = 32
"""Number of holes submitted to each worker process at a time."""


def generate_mask_set(
    path: Path, mask_set: MaskSet, size: int, seed: int, count: int, balance: bool = False, workers: int = 1
) -> str:
    """Draw holes, write them to a file and return its sha256. The number of workers changes no byte of the file.

    Hole i is ``mask_set.draw(size, seed, i)``, as in pair i of a protocol with this size and seed.

    Args:
        size: height and width in pixels.
        count: number of holes.
        balance: select `count` holes of the sequence, equally many of every kind (`bench_core.masks.balance`).
        workers: number of processes.

    Raises:
        BadInput: a hole cannot be drawn, a kind cannot be filled, or the file cannot be written.
    """
    family = mask_set.family.name
    with progress_bar(f"holes of {family}", count, "holes") as progress:
        if balance:
            proposals = _map_in_order(partial(_propose, mask_set, size, seed), endless(), workers)
            holes = select_balanced(proposals, count, progress)
        else:
            holes = []
            for hole in _map_in_order(partial(_draw, mask_set, size, seed), range(count), workers):
                holes.append(hole)
                progress(len(holes))
    parameters = {key: value for key, value in mask_set.identity.items() if key != "family"}
    details: dict[str, Any] = {"family": family, "seed": seed, "balanced": balance, "parameters": parameters}
    return mask_file.write(path, size, holes, details)


# At the top level, because worker processes import them by name.
def _draw(mask_set: MaskSet, size: int, seed: int, number: int) -> PackedHole:
    return pack(mask_set.draw(size, seed, number))


def _propose(mask_set: MaskSet, size: int, seed: int, number: int) -> Proposal:
    return propose(mask_set.draw(size, seed, number))


def _map_in_order(function: Callable[[int], T], numbers: Iterable[int], workers: int) -> Iterator[T]:
    if workers < 2:
        yield from map(function, numbers)
        return
    remaining = iter(numbers)
    with ProcessPoolExecutor(workers, get_context("spawn"), use_one_thread) as pool:
        # In batches, because `numbers` may be endless and `pool.map` would submit all of them at once.
        while batch := list(islice(remaining, HOLES_PER_WORKER * workers)):
            yield from pool.map(function, batch, chunksize=HOLES_PER_WORKER // 4)
