"""TensorBoard: event files in OUT/tensorboard/CELL."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from bench_core.training.trackers.tracker import CellTracker, TrackedCell


class EventFiles(CellTracker):
    """One folder per cell. A cell that resumes adds another event file to it."""

    def __init__(self, store: Path) -> None:
        self._root = store / "tensorboard"
        self._last_step = 0

    def start(self, cell: TrackedCell) -> None:
        self._writer, self._steps = SummaryWriter(str(self._root / cell.name)), cell.steps
        config = json.dumps(cell.config, indent=1, default=str)
        self._writer.add_text("cell", "\n".join(f"    {line}" for line in config.splitlines()))  # Markdown code block

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._last_step = step
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()  # a killed run must not lose it

    def log_metrics(self, mask_set: str, means: Mapping[str, float]) -> None:
        self.log(self._steps, {f"final/{mask_set}/{metric}": mean for metric, mean in means.items()})

    def log_image(self, mask_set: str, path: Path) -> None:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(f"{mask_set}/{path.stem}", pixels, self._steps, dataformats="HWC")

    def finish(self, state: str, reason: str) -> None:
        self._writer.add_text("state", f"{state} {reason}".strip(), self._last_step)
        self._writer.close()
