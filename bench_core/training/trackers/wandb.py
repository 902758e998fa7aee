"""Weights & Biases' offline runs, in OUT/wandb. `wandb sync` sends them; nothing here does."""

import os
from collections.abc import Mapping
from pathlib import Path

from bench_core.seeds import digest
from bench_core.training.trackers.tracker import CellTracker, TrackedCell

PROJECT = "inpaint-bench"


class OfflineRun(CellTracker):
    """One run for each cell; every time that work on it goes on it has one more folder, of the same id."""

    def __init__(self, store: Path) -> None:
        os.environ.setdefault("WANDB_CACHE_DIR", str(store.absolute() / "wandb" / "cache"))  # its own logs
        import wandb

        self._wandb, self._store = wandb, store

    def began(self, cell: TrackedCell) -> None:
        self._run = self._wandb.init(
            mode="offline",
            dir=str(self._store),
            project=PROJECT,
            id=digest(cell.name)[:16],
            name=cell.name,
            config=dict(cell.about),
            settings=self._wandb.Settings(console="off", silent=True),
        )

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def judged(self, mask_set: str, means: Mapping[str, float]) -> None:
        self._run.summary.update({f"judged/{mask_set}/{metric}": mean for metric, mean in means.items()})

    def pictured(self, mask_set: str, picture: Path) -> None:
        self._run.log({f"{mask_set}/{picture.stem}": self._wandb.Image(str(picture))})

    def ended(self, state: str, reason: str) -> None:
        self._run.summary.update({"state": state, "reason": reason})
        self._run.postprocess(exit_code=0 if state == "done" else 1)
