"""How time and memory grow with size, batch, images and cells: python -m benchmarks.growth

Every point is measured in a process of its own: the best time of a few runs, and the most memory that they hold beyond
what was there before the first.
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, get_args

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from bench_core.methods.compatibility import refused_size
from bench_core.plugins import Plugins
from bench_core.specs import Scale
from bench_core.system import files
from bench_core.system.allocator import tune_malloc
from bench_perf import machine
from bench_perf.memory import Memory
from bench_perf.settings import Settings
from benchmarks.growing import Work, judging, painting, reporting

PARTS = ("size", "batch", "images", "cells")
METHODS = ("pconv", "gated", "dmfn:released")
SIZES, BATCHES = (64, 128, 256, 512, 1024), (1, 2, 4, 8)
IMAGES, LONG = (10, 100, 1000), 10_000
ROWS = {"images": 100, "metrics": 8}
"""Of every cell of a table."""
TIMES, ENOUGH = 3, 20.0
"""A work is done so many times, or fewer once that has taken so many seconds."""


@dataclass(frozen=True)
class Curve:
    against: str
    """What grows."""
    name: str
    works: dict[int, Work]


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if left out")
    parser.add_argument("--scale", default="paper", choices=get_args(Scale), help="of the networks")
    parser.add_argument("--most", type=int, help="leave out points beyond this number")
    parser.add_argument("--long", action="store_true", help=f"judge {LONG:,} images, too")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file, too")
    asked = parser.parse_args()
    tune_malloc()
    settings = Settings(Plugins.find(), METHODS, tuple(asked.parts or PARTS), scale=asked.scale, seconds=ENOUGH)
    facts = machine.facts(settings)
    found = [measured(curve, asked.most, settings.threads) for curve in curves(settings, asked.long)]
    Console().print(table(found))
    if asked.json:
        files.write_json(asked.json, {**facts, "load_after": machine.load(), "curves": found})


def curves(settings: Settings, long: bool) -> Iterator[Curve]:
    """All that belong to the wanted parts; sizes that a method refuses are left out."""
    scale: Scale = settings.scale
    for name in settings.methods:
        model = settings.plugins.model(name)
        sizes = [size for size in SIZES if not refused_size(model, scale, size)]
        if "size" in settings.parts:
            yield Curve("size", name, {size: partial(painting, name, scale, size, 1) for size in sizes})
        if "batch" in settings.parts:
            yield Curve("batch", name, {batch: partial(painting, name, scale, 256, batch) for batch in BATCHES})
    if "images" in settings.parts:
        counts = (*IMAGES, LONG) if long else IMAGES
        yield Curve("images", "judging", {count: partial(judging, count) for count in counts})
    if "cells" in settings.parts:
        yield Curve("cells", "table", {10 * seeds: partial(reporting, 10, seeds, **ROWS) for seeds in (1, 5, 20)})


def measured(curve: Curve, most: int | None, threads: int) -> dict[str, Any]:
    """A curve's points, and with what power of what grows its costs grow."""
    points = []
    for number, work in curve.works.items():
        if most is None or number <= most:
            points.append({"number": number, **point(work, threads)})
            print(curve.name, curve.against, points[-1], flush=True)
    numbers = [each["number"] for each in points]
    powers = {cost: power(numbers, [each[cost] for each in points]) for cost in ("seconds", "mib")}
    return {"against": curve.against, "name": curve.name, "points": points, "powers": powers}


def point(work: Work, threads: int) -> dict[str, Any]:
    """What a work costs in a process of its own, or the reason why that is not known."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        try:
            return process.submit(cost, work, threads).result()
        except Exception as error:  # a gap in the curve, which is told
            return {"seconds": None, "mib": None, "reason": f"{type(error).__name__}: {error}"}


def cost(work: Work, threads: int) -> dict[str, float | None]:
    torch.set_num_threads(threads)
    with work() as run:
        memory, samples = Memory(torch.device("cpu")), []
        while len(samples) < TIMES and sum(samples) < ENOUGH:
            began = perf_counter()
            run()
            samples.append(perf_counter() - began)
        return {"seconds": min(samples), "mib": memory.peak()}


def power(numbers: Sequence[float], costs: Sequence[float | None]) -> float | None:
    """The slope of costs over numbers, both as logarithms, in the upper half of what is known."""
    known = [(number, cost) for number, cost in zip(numbers, costs, strict=True) if cost]
    if len(known) < 2:
        return None
    upper = np.log(known[min(len(known) // 2, len(known) - 2) :])
    return round(float(np.polyfit(*upper.T, 1)[0]), 2)


def table(curves: list[dict[str, Any]]) -> Table:
    shown = Table("what", "grows with", "up to", "s", "power", "MiB", "power", title="Costs grow with a power")
    for curve in curves:
        for last in curve["points"][-1:]:
            cells = (last["number"], last["seconds"], curve["powers"]["seconds"], last["mib"], curve["powers"]["mib"])
            shown.add_row(curve["name"], curve["against"], *("" if cell is None else f"{cell:.4g}" for cell in cells))
    return shown


if __name__ == "__main__":
    main()
