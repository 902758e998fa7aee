"""Weights & Biases: offline runs in OUT/wandb. You can upload them with `wandb sync`."""

import os
from collections.abc import Mapping
from pathlib import Path

from bench_core.seeds import digest
from bench_core.training.trackers.tracker import CellTracker, TrackedCell

PROJECT = "inpaint-bench"


class OfflineRun(CellTracker):
    """One run per cell. A cell that resumes adds another folder with the same run id."""

    def __init__(self, store: Path) -> None:
        os.environ.setdefault("WANDB_CACHE_DIR", str(store.absolute() / "wandb" / "cache"))  # not in the home
        import wandb

        self._wandb, self._store = wandb, store

    def start(self, cell: TrackedCell) -> None:
        self._run = self._wandb.init(
            mode="offline",
            dir=str(self._store),
            project=PROJECT,
            id=digest(cell.name)[:16],
            name=cell.name,
            config=dict(cell.config),
            settings=self._wandb.Settings(console="off", silent=True),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def log_metrics(self, mask_set: str, means: Mapping[str, float]) -> None:
        self._run.summary.update({f"final/{mask_set}/{metric}": mean for metric, mean in means.items()})

    def log_image(self, mask_set: str, path: Path) -> None:
        self._run.log({f"{mask_set}/{path.stem}": self._wandb.Image(str(path))})

    def finish(self, state: str, reason: str) -> None:
        self._run.summary.update({"state": state, "reason": reason})
        self._run.finish(exit_code=0 if state == "done" else 1)
