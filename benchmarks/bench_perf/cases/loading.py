"""Images per second that are decoded from files and resized."""

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
"""Side in pixels and format of the files."""


def cases(settings: Settings) -> Iterator[Case]:
    """Yield one file of each kind, resized to the smallest size."""
    size = min(settings.sizes)
    implementations = {"ours": lambda path: resized(read_image(path), size), "Pillow": partial(_pillow, size=size)}
    for side, suffix in FILES:
        candidates = tuple(
            Candidate(name, partial(_open, read, side, suffix)) for name, read in implementations.items()
        )
        yield Case("loading", f"{suffix} {side} to {size}", candidates, "images", tolerance=0.0)


def _open(read: Callable[[Path], Array], side: int, suffix: str, cleanup: ExitStack) -> Runner:
    path = Path(cleanup.enter_context(TemporaryDirectory())) / f"waves.{suffix}"
    Image.fromarray(_waves(side)).save(path)
    return Runner(lambda: read(path))


def _pillow(path: Path, size: int) -> Array:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))


def _waves(side: int) -> Array:
    """Make a smooth image with a little noise, which compresses like a photograph."""
    rows, columns = np.mgrid[:side, :side] / side
    waves = np.stack([np.sin(9 * rows * k + 7 * columns) for k in (1, 2, 3)], axis=-1) * 100 + 128
    return (waves + seeds.generator("waves").normal(0, 4, waves.shape)).clip(0, 255).astype(np.uint8)
