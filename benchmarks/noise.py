"""Pictures that take no disk."""

import numpy as np

from bench_core import seeds


class Noise:
    """An image set of 8-bit noise, drawn when it is asked for."""

    def __init__(self, count: int, side: int) -> None:
        self.names = [str(number) for number in range(count)]
        self.side = side

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        return seeds.generator("noise", index).integers(0, 256, (self.side, self.side, 3), np.uint8)
