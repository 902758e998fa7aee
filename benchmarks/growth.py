"""How time and memory grow with sizes, batches, images and cells: python -m benchmarks.growth

Every point is measured in a process of its own, whose memory is counted beyond what it held before the first run.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench_core import files
from bench_core.allocator import keep_memory
from bench_core.performance import Settings, machine
from bench_core.performance.paintings import Canvases, OurPaintings
from bench_core.performance.stepping import Work, apart
from bench_core.plugins import Plugins
from bench_core.serving import refused_size
from bench_core.specs import Scale
from benchmarks.growing import IMAGES, METRICS, Judging, Reporting

METHODS = ("pconv", "gated", "dmfn:released")
LONG, SECONDS = 5.0, 2.0
"""A first run that takes long is the only one; after others, runs are timed for so many seconds."""
SCALE: Scale = "paper"
PARTS: dict[str, tuple[int, ...]] = {
    "size": (64, 128, 256, 512, 1024),
    "batch": (1, 2, 4, 8),
    "images": (10, 100, 1000, 10_000),
    "cells": (10, 100, 500),
}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if left out")
    parser.add_argument("--most", type=int, help="leave out points beyond this number")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file, too")
    asked = parser.parse_args()
    keep_memory()
    settings = Settings(Plugins.find(), METHODS, tuple(asked.parts or PARTS), seconds=SECONDS)
    facts = machine.facts(settings)
    curves = [measured(curve, settings.threads) for curve in _curves(settings, asked.most)]
    if asked.json:
        files.write_json(asked.json, {**facts, "load_after": machine.load(), "curves": curves})


def _curves(settings: Settings, most: int | None) -> Iterator[tuple[str, str, Mapping[int, Work]]]:
    """What is varied, what is done, and the work for every number; sizes that a method refuses are left out."""
    works: dict[str, dict[str, Callable[[int], Work]]] = {
        "size": {name: partial(_painting, name, batch=1) for name in METHODS},
        "batch": {name: partial(_painting, name, 256) for name in METHODS},
        "images": {"judging without networks": Judging},
        "cells": {f"a table of {IMAGES} images and {METRICS} metrics": Reporting},
    }
    for part in settings.parts:
        numbers = [number for number in PARTS[part] if most is None or number <= most]
        for name, work in works[part].items():
            served = [each for each in numbers if part != "size" or not _refused(settings.plugins, name, each)]
            yield part, name, {number: work(number) for number in served}


def _refused(plugins: Plugins, name: str, size: int) -> str:
    return refused_size(plugins.model(name), SCALE, size)


def _painting(name: str, size: int, batch: int) -> Work:
    return OurPaintings(Canvases(name, SCALE, size, batch, "cpu"), "32-true")


def measured(curve: tuple[str, str, Mapping[int, Work]], threads: int) -> dict[str, Any]:
    """All points of a curve, and with what power they grow."""
    against, name, works = curve
    points = [{against: number, **_point(work, threads)} for number, work in works.items()]
    powers = {
        what: power([point[against] for point in points], [point[what] for point in points])
        for what in ("seconds", "mib")
    }
    for point in points:
        print(f"{name}: {against} {point[against]:,}, {point['seconds']:.3g} s, {point['mib'] or 0:,.0f} MiB")
    print(f"{name}: grows with {against} to the power of", powers, flush=True)
    return {"against": against, "name": name, "points": points, "powers": powers}


def _point(work: Work, threads: int) -> dict[str, float | None]:
    with ExitStack() as cleanup:
        runner = apart(work, threads, cleanup)
        if runner.peak:
            runner.peak()  # answered once the process has started, which is not to be timed
        samples = [_elapsed(runner.run)]
        if samples[0] < LONG:
            samples = [_elapsed(runner.run)]
            while sum(samples) < SECONDS:
                samples.append(_elapsed(runner.run))
        return {"seconds": median(samples), "mib": runner.peak() if runner.peak else None}


def _elapsed(run: Callable[[], Any]) -> float:
    began = perf_counter()
    run()
    return perf_counter() - began


def power(numbers: Sequence[float], costs: Sequence[float | None]) -> float | None:
    """The slope of costs over numbers, both as logarithms, in the upper half; None where some cost is unknown or 0."""
    upper = slice(len(numbers) // 2 if len(numbers) > 3 else -2, None)
    found = [cost for cost in costs[upper] if cost]
    if len(found) < 2 or len(found) < len(numbers[upper]):
        return None
    return round(float(np.polyfit(np.log(numbers[upper]), np.log(found), 1)[0]), 2)


if __name__ == "__main__":
    main()
