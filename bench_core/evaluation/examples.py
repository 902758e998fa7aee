"""Saved images of some pairs, beside their rows. The number in a file's name is the pair's index."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bench_core.evaluation.measure import PredictionBatch
from bench_core.images import as_png
from bench_core.methods.method import composite
from bench_core.system import files


@dataclass(frozen=True)
class SavedExamples:
    """Examples of one mask set: `count` pairs, evenly spread, or every pair if `count` is None."""

    folder: Path
    num_pairs: int
    count: int | None = 4

    @property
    def chosen(self) -> list[int]:
        """Indexes of the pairs."""
        count = self.num_pairs if self.count is None else min(self.count, self.num_pairs)
        return [place * self.num_pairs // count for place in range(count)]

    @property
    def missing(self) -> list[int]:
        """Indexes of the pairs whose images have not been saved yet."""
        return [index for index in self.chosen if not self._path(index, "composite").exists()]

    def save(self, batch: PredictionBatch) -> None:
        """Write image, masked image and composite of the chosen pairs of a batch."""
        images = {
            "image": batch.image,
            "masked": batch.image * (1 - batch.hole),
            "composite": composite(batch.image, batch.hole, batch.prediction),
        }  # the composite comes last: if it exists, the others do, too
        chosen = set(self.chosen)
        for place, index in enumerate(batch.indexes):
            if index in chosen:
                for name, each in images.items():
                    save_png(self._path(index, name), each[place])

    def _path(self, index: int, name: str) -> Path:
        return self.folder / f"{index:06}-{name}.png"


def save_png(path: Path, image: Tensor) -> None:
    """Write an image (c, h, w) in [0, 1] as PNG."""
    array = (image * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    files.write_bytes(path, as_png(array))
