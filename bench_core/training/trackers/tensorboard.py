"""TensorBoard's event files, in OUT/tensorboard/CELL."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from bench_core.training.trackers.tracker import CellTracker, TrackedCell


class Events(CellTracker):
    """One folder for each cell; every time that work on it goes on it has one more file."""

    def __init__(self, store: Path) -> None:
        self._root = store / "tensorboard"
        self._last = 0

    def began(self, cell: TrackedCell) -> None:
        self._writer, self._steps = SummaryWriter(str(self._root / cell.name)), cell.steps
        about = json.dumps(cell.about, indent=1, default=str)
        self._writer.add_text("cell", "\n".join(f"    {line}" for line in about.splitlines()))  # as Markdown's code

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        self._last = step
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()  # now, or a killed run would lose it

    def judged(self, mask_set: str, means: Mapping[str, float]) -> None:
        self.logged(self._steps, {f"judged/{mask_set}/{metric}": mean for metric, mean in means.items()})

    def pictured(self, mask_set: str, picture: Path) -> None:
        with Image.open(picture) as shown:
            pixels = np.asarray(shown.convert("RGB"))
        self._writer.add_image(f"{mask_set}/{picture.stem}", pixels, self._steps, dataformats="HWC")

    def ended(self, state: str, reason: str) -> None:
        self._writer.add_text("state", f"{state} {reason}".strip(), self._last)
        self._writer.close()
