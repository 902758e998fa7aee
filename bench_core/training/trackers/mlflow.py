"""MLflow's file store, in OUT/mlruns: it needs no server and no lock, so many processes and machines may write."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from bench_core.system import files
from bench_core.training.trackers.tracker import CellTracker, TrackedCell

EXPERIMENT = "inpaint-bench"
STATES = {"done": "FINISHED", "failed": "FAILED", "pending": "KILLED"}


class FileRun(CellTracker):
    """One run for each cell, the same one when work on it goes on."""

    def __init__(self, store: Path) -> None:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3.7 and later want to be asked
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=(store / "mlruns").absolute().as_uri())

    def began(self, cell: TrackedCell) -> None:
        self._run, self._steps = self._find(cell) or self._create(cell), cell.steps
        self._client.update_run(self._run, status="RUNNING")
        self._client.log_dict(self._run, dict(cell.about), "cell.json")

    def _find(self, cell: TrackedCell) -> str:
        from mlflow import MlflowException

        try:
            return self._client.get_run(self._note(cell).read_text()).info.run_id
        except (FileNotFoundError, MlflowException):
            return ""

    def _create(self, cell: TrackedCell) -> str:
        tags = {name: str(cell.about[name]) for name in ("method", "variant", "seed")}
        run = self._client.create_run(self._experiment(), tags=tags, run_name=cell.name).info.run_id
        files.write_bytes(self._note(cell), run.encode())
        return run

    def _note(self, cell: TrackedCell) -> Path:
        return cell.folder / "mlflow.txt"

    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(EXPERIMENT)
        return found.experiment_id if found else self._client.create_experiment(EXPERIMENT)

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(re.sub(r"[^\w ./-]", "_", name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run, metrics)

    def judged(self, mask_set: str, means: Mapping[str, float]) -> None:
        self.logged(self._steps, {f"judged/{mask_set}/{metric}": mean for metric, mean in means.items()})

    def pictured(self, mask_set: str, picture: Path) -> None:
        self._client.log_artifact(self._run, str(picture), re.sub(r"[^\w .-]", "_", mask_set))

    def ended(self, state: str, reason: str) -> None:
        self._client.set_tag(self._run, "reason", reason)
        self._client.set_terminated(self._run, STATES[state])
