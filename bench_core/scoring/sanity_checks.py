"""Sanity checks of images from any program: inverted holes, and altered known pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench_core.errors import BadInput
from bench_core.images import Array


@dataclass
class Inspection:
    """Findings on all predictions for one mask set. Differences are in grey levels, 0 to 255."""

    altered: int = 0
    """Predictions with known pixels that differ from the ground truth."""
    largest: int = 0
    """Largest difference of a known pixel."""
    total: float = 0
    """Sum over altered predictions of the mean difference of their known pixels."""
    inverted: int = 0
    """Predictions that differ from the ground truth more in known than in missing pixels."""
    count: int = 0

    def add(self, prediction: Array, truth: Array, hole: Array) -> None:
        """Inspect one prediction.

        Args:
            prediction: uint8 (height, width, channels).
            truth: Ground truth, of the same shape.
            hole: uint8 (height, width), 1 = missing.
        """
        difference = np.abs(prediction.astype(np.int16) - truth)
        known, missing = difference.mean(2)[hole == 0], difference.mean(2)[hole == 1]
        self.count += 1
        if known.size and known.max() > 0:
            self.altered += 1
            self.largest = max(self.largest, int(difference[hole == 0].max()))
            self.total += float(known.mean())
        if known.size and missing.size and known.mean() > missing.mean():
            self.inverted += 1

    def refuse_inverted(self) -> None:
        """Make sure that the colour of missing pixels is right.

        Raises:
            BadInput: Most predictions differ from the ground truth in known pixels, not in missing ones.
        """
        if self.inverted > self.count / 2:
            raise BadInput(
                f"{self.inverted} of {self.count} predictions differ from the ground truth more outside the holes than "
                "inside: the holes are inverted. Give the colour of missing pixels, --hole-color white or black."
            )

    @property
    def notes(self) -> list[str]:
        """Notes below a table, without the method's name."""
        if not self.altered:
            return []
        return [
            f"altered known pixels in {self.altered} of {self.count} images, by up to {self.largest} of 255 levels "
            f"(mean {self.total / self.altered:.2f}); composites have the true ones"
        ]


def in_words(name: str, inspections: Iterable[Inspection]) -> list[str]:
    """Return the notes as sentences about a method, without repetitions."""
    return list(dict.fromkeys(f"{name} {note}." for each in inspections for note in each.notes))
