"""How many images a second are read from files and resized."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from bench_core import seeds
from bench_core.images import Array, read_image, resized
from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings

FILES = ((512, "jpg"), (1024, "jpg"), (1024, "png"))
"""Side and format of the files that are read."""


def cases(settings: Settings) -> Iterator[Case]:
    """Files of several kinds, down to the smallest size."""
    size = min(settings.sizes)
    ways = {"ours": _ours, "Pillow": _pillow}
    for side, suffix in FILES:
        candidates = tuple(Candidate(name, partial(_opened, read, side, suffix, size)) for name, read in ways.items())
        yield Case("loading", f"{suffix} {side} to {size}", candidates, "images", tolerance=0.0)


def _opened(read: Callable[[Path, int], Array], side: int, suffix: str, size: int, cleanup: ExitStack) -> Runner:
    path = Path(cleanup.enter_context(TemporaryDirectory())) / f"waves.{suffix}"
    Image.fromarray(_waves(side)).save(path)
    return Runner(lambda: read(path, size))


def _ours(path: Path, size: int) -> Array:
    return resized(read_image(path), size)


def _pillow(path: Path, size: int) -> Array:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))


def _waves(side: int) -> Array:
    """A smooth picture with a little noise: as large a file as a photograph's."""
    rows, columns = np.mgrid[:side, :side] / side
    waves = np.stack([np.sin(9 * rows * k + 7 * columns) for k in (1, 2, 3)], axis=-1) * 100 + 128
    return (waves + seeds.generator("waves").normal(0, 4, waves.shape)).clip(0, 255).astype(np.uint8)
