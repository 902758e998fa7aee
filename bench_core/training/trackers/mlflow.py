"""MLflow: a file store in OUT/mlruns. It needs no server and no lock, so many processes and machines can write."""

import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

from bench_core.system import files
from bench_core.training.trackers.tracker import CellTracker, TrackedCell

EXPERIMENT = "inpaint-bench"
STATUSES = {"done": "FINISHED", "failed": "FAILED", "pending": "KILLED"}


class FileRun(CellTracker):
    """One run per cell. A cell that resumes continues its run."""

    def __init__(self, store: Path) -> None:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3.7 and later refuse file stores without it
        from mlflow import MlflowClient

        self._client = MlflowClient(tracking_uri=(store / "mlruns").absolute().as_uri())

    def start(self, cell: TrackedCell) -> None:
        self._run_id, self._steps = self._find_run(cell) or self._create_run(cell), cell.steps
        self._client.update_run(self._run_id, status="RUNNING")
        self._client.log_dict(self._run_id, dict(cell.config), "cell.json")

    def _find_run(self, cell: TrackedCell) -> str:
        from mlflow import MlflowException

        try:
            return self._client.get_run(self._id_file(cell).read_text()).info.run_id
        except (FileNotFoundError, MlflowException):
            return ""

    def _create_run(self, cell: TrackedCell) -> str:
        tags = {name: str(cell.config[name]) for name in ("method", "variant", "seed")}
        run_id = self._client.create_run(self._experiment_id(), tags=tags, run_name=cell.name).info.run_id
        files.write_bytes(self._id_file(cell), run_id.encode())
        return run_id

    def _id_file(self, cell: TrackedCell) -> Path:
        return cell.folder / "mlflow.txt"

    def _experiment_id(self) -> str:
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        return experiment.experiment_id if experiment else self._client.create_experiment(EXPERIMENT)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(re.sub(r"[^\w ./-]", "_", name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run_id, metrics)

    def log_metrics(self, mask_set: str, means: Mapping[str, float]) -> None:
        self.log(self._steps, {f"final/{mask_set}/{metric}": mean for metric, mean in means.items()})

    def log_image(self, mask_set: str, path: Path) -> None:
        self._client.log_artifact(self._run_id, str(path), re.sub(r"[^\w .-]", "_", mask_set))

    def finish(self, state: str, reason: str) -> None:
        self._client.set_tag(self._run_id, "reason", reason)
        self._client.set_terminated(self._run_id, STATUSES[state])
