"""Image set of random noise, which needs no files."""

from collections.abc import Sequence
from functools import lru_cache

from bench_core import seeds
from bench_core.images import Array


class NoiseImages:
    """Set of `count` square 8-bit images, (side, side, channels). A single image stays in memory."""

    def __init__(self, count: int, side: int, channels: int = 3) -> None:
        self.names: Sequence[str] = [str(number) for number in range(count)]
        self.shape = (side, side, channels)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Array:
        return _noise(index, self.shape)


@lru_cache(maxsize=1)  # only the last image: a large set must not fill the memory
def _noise(index: int, shape: tuple[int, ...]) -> Array:
    return seeds.generator("noise", index).integers(0, 256, shape, "uint8")
