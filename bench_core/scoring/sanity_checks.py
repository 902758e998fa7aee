"""What pictures of unknown making show: holes told the wrong way round, altered known pixels, traces of JPEG."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from PIL import Image
from scipy.fft import dctn

from bench_core.errors import BadInput
from bench_core.images import Array

BLOCK = 8
TRACE = 0.15
"""Of pictures never compressed the excess is below 0.1, even with noise; of JPEG at quality 50 to 95 above 0.2."""

KEPT = 0.5
"""Levels by which pixels that are only rounded anew differ at most, on average; JPEG mostly alters more."""


@dataclass
class Inspection:
    """What is seen on all pictures of one kind, gathered one by one. Differences are in grey levels, 0 to 255."""

    altered: int = 0
    """Pictures whose known pixels are not those of the truth."""
    largest: int = 0
    total: float = 0
    """Sum over altered pictures of the mean difference of their known pixels."""
    compressed: list[str] = field(default_factory=list)
    """Names of pictures that were JPEG files, or whose known pixels show its traces."""
    inverted: int = 0
    """Pictures that differ from the truth more where they should know it than where they should not."""
    count: int = 0

    def add(self, name: str, picture: Array, truth: Array, hole: Array, file_format: str | None) -> None:
        """Look at one picture: uint8 (height, width, channels), with its hole, 1 = missing."""
        difference = np.abs(picture.astype(np.int16) - truth).mean(2)
        known, missing = difference[hole == 0], difference[hole == 1]
        self.count += 1
        altered = known.size > 0 and known.max() > 0
        if altered:
            self.altered += 1
            self.largest = max(self.largest, int(np.abs(picture.astype(np.int16) - truth)[hole == 0].max()))
            self.total += float(known.mean())
        if known.size and missing.size and known.mean() > missing.mean():
            self.inverted += 1
        # a truth that once was a JPEG leaves its traces in every picture that about keeps its pixels
        if file_format == "JPEG" or (altered and known.mean() > KEPT and grid_excess(picture) > TRACE):
            self.compressed.append(name)

    def refuse_inverted(self) -> None:
        """Make sure that the holes are told the right way round.

        Raises:
            BadInput: most pictures differ from their truths where they know them, not where they do not.
        """
        if self.inverted > self.count / 2:
            raise BadInput(
                f"{self.inverted} of {self.count} pictures differ from their truths more outside the holes than inside "
                "them: the holes are the wrong way round. Say which colour is missing with --hole-color."
            )

    @property
    def remarks(self) -> list[str]:
        """For the notes below a table."""
        told = []
        if self.altered:
            mean = self.total / self.altered
            told.append(
                f"altered known pixels in {self.altered} of {self.count} pictures, by up to {self.largest} of 255 "
                f"levels (mean {mean:.2f}); composites have the true ones"
            )
        if self.compressed:
            told.append(
                f"shows JPEG compression in {len(self.compressed)} of {self.count} pictures, which costs it in every "
                "metric: save PNG"
            )
        return told


def grid_excess(picture: Array) -> float:
    """How much oftener high frequencies vanish in blocks on JPEG's grid than off it: about 0 where never compressed."""
    grey = np.asarray(Image.fromarray(picture.squeeze()).convert("L"), np.float64)
    if min(grey.shape) < 2 * BLOCK:
        return 0.0
    return _vanishing(grey) - max(_vanishing(grey[shift:, shift:]) for shift in (3, 4))


def _vanishing(grey: Array) -> float:
    """The share of cosine coefficients, neither of whose frequencies is among the lowest two, that are nearly zero."""
    height, width = (extent // BLOCK * BLOCK for extent in grey.shape)
    blocks = grey[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).swapaxes(1, 2)
    coefficients: Array = dctn(blocks, axes=(2, 3), norm="ortho")  # type: ignore[assignment]
    return float((np.abs(coefficients[..., 2:, 2:]) < 0.5).mean())


def in_words(name: str, inspected: Iterable[Inspection]) -> list[str]:
    """Remarks with the method's name, each once."""
    return list(dict.fromkeys(f"{name} {remark}." for each in inspected for remark in each.remarks))
