"""Pictures of some pairs, kept beside the rows. A picture's number is its pair's place among the rows of a metric."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bench_core.evaluation.measure import PredictionBatch
from bench_core.images import as_png
from bench_core.methods.method import composite
from bench_core.system import files

COUNT = 4


@dataclass(frozen=True)
class SavedExamples:
    """Those of one mask set: so many pairs, spread over all; every pair if `count` is None."""

    folder: Path
    num_pairs: int
    count: int | None = COUNT

    @property
    def chosen(self) -> list[int]:
        count = self.num_pairs if self.count is None else min(self.count, self.num_pairs)
        return [place * self.num_pairs // count for place in range(count)]

    @property
    def missing(self) -> list[int]:
        """Those of the chosen that have not been painted yet."""
        return [index for index in self.chosen if not self._path(index, "composite").exists()]

    def keep(self, painted: PredictionBatch) -> None:
        """Write image, masked image and composite of those pairs of a batch that are chosen."""
        shown = {
            "image": painted.image,
            "masked": painted.image * (1 - painted.hole),
            "composite": composite(painted.image, painted.hole, painted.prediction),
        }  # the composite comes last: where it is, the others are
        chosen = set(self.chosen)
        for place, index in enumerate(painted.indexes):
            if index in chosen:
                for name, pictures in shown.items():
                    save(self._path(index, name), pictures[place])

    def _path(self, index: int, name: str) -> Path:
        return self.folder / f"{index:06}-{name}.png"


def save(path: Path, picture: Tensor) -> None:
    """Write a picture (c, h, w) in [0, 1] as PNG."""
    array = (picture * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    files.write_bytes(path, as_png(array))
