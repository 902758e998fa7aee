"""Files of one cell, as listed in `bench_core.store.store`. Reading them needs no torch."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd

from bench_core.errors import damaged, other_version
from bench_core.store import checksum
from bench_core.store import rows as rows_file
from bench_core.store.features import Features
from bench_core.store.lock import folder_lock, require_lock
from bench_core.system import files
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup, collective

Write = TypeVar("Write", bound=Callable[..., Any])


def _writes(method: Write) -> Write:
    """Make a method collective, and check before that no other process has taken over the folder."""

    @wraps(method)
    def checked(folder: "CellFolder", *args: Any) -> Any:
        require_lock(folder.path)
        return method(folder, *args)

    return cast(Write, collective(checked))


@dataclass(frozen=True)
class CellFolder:
    """Folder of one cell. `identity` holds everything that its trained weights depend on."""

    path: Path
    identity: dict[str, Any]
    group: ProcessGroup = SINGLE_PROCESS
    """Processes that work on the cell together. All of them must call collective methods."""

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Lock the folder while the block runs. Yields False if another run holds the lock. Collective."""
        with ExitStack() as stack:
            yield self.group.on_rank_zero(lambda: stack.enter_context(folder_lock(self.path)))

    @_writes
    def prepare(self) -> None:
        """Create the folder, and remove the traces of an earlier attempt that failed or was killed."""
        files.remove_temporary_files(self.path)
        files.write_json(self.path / "identity.json", self.identity)
        (self.path / "failure.txt").unlink(missing_ok=True)

    def write_failure(self, text: str) -> None:
        """Store the traceback of a failed attempt; rank zero only."""
        if self.group.is_rank_zero:
            require_lock(self.path)
            files.write_bytes(self.path / "failure.txt", text.encode())

    @property
    def failed(self) -> bool:
        """The last attempt on the cell failed."""
        return (self.path / "failure.txt").exists()

    def rows(self, evaluation_id: str) -> pd.DataFrame:
        """Return the rows of one evaluation; empty if there are none yet.

        Raises:
            BadInput: the file is damaged.
        """
        path = self.rows_path(evaluation_id)
        return rows_file.read(path) if path.exists() else rows_file.as_rows([])

    @collective
    def measured_metrics(self, evaluation_id: str) -> set[tuple[str, int, str]]:
        """Return definition, version and code of every metric that has rows."""
        rows = self.rows(evaluation_id)
        return set(zip(rows["metric"], rows["version"], rows["code"], strict=True))

    @_writes
    def add_rows(self, evaluation_id: str, rows: pd.DataFrame) -> None:
        """Add rows of metrics. They replace rows of the same definitions, such as those of other code."""
        known = self.rows(evaluation_id)
        known = known[~known["metric"].isin(rows["metric"])]
        rows_file.write(
            self.rows_path(evaluation_id), pd.concat([known, rows], ignore_index=True) if len(known) else rows
        )

    @collective
    def features(self, evaluation_id: str, name: str) -> Features | None:
        """Return the features of all predictions of one evaluation; None if they were never computed.

        Raises:
            BadInput: the file is damaged.
        """
        return Features.read(self._features_path(evaluation_id, name))

    @_writes
    def write_features(self, evaluation_id: str, features: Mapping[str, Features]) -> None:
        """Store features by the name of their extractor."""
        for name, each in features.items():
            each.write(self._features_path(evaluation_id, name))

    @_writes
    def remove_evaluations(self) -> bool:
        """Remove the rows, features and images of earlier weights. Return True if there were rows."""
        had_rows = (self.path / "rows").exists()
        for name in ("rows", "features", "samples"):
            if (self.path / name).exists():
                shutil.rmtree(self.path / name)
        return had_rows

    def _features_path(self, evaluation_id: str, name: str) -> Path:
        return self.path / "features" / f"{evaluation_id}-{name}.safetensors"

    def rows_path(self, evaluation_id: str) -> Path:
        return self.path / "rows" / f"{evaluation_id}.parquet"

    def examples_folder(self, evaluation_id: str) -> Path:
        """Return the folder of saved images of one evaluation."""
        return self.path / "samples" / evaluation_id

    def read_record(self, name: str) -> dict[str, Any]:
        """Return a JSON record of the cell, such as ``provenance/training``; empty if there is none.

        Raises:
            BadInput: the record is damaged.
        """
        path = self.path / f"{name}.json"
        try:
            record = json.loads(path.read_text()) if path.exists() else {}
        except ValueError as error:
            raise damaged(path, error) from error
        if not isinstance(record, dict):
            raise other_version(path, f"it is a {type(record).__name__}, not an object")
        return record

    @_writes
    def write_provenance(self, name: str, provenance: dict[str, Any]) -> None:
        """Store the provenance of ``training`` or of an evaluation, named by its id."""
        files.write_json(self.path / "provenance" / f"{name}.json", provenance)

    @property
    def has_trained_weights(self) -> bool:
        """Trained weights exist on this rank's file system. Raises BadInput if they are damaged."""
        return self._trained_weights() is not None

    @collective
    def trained_weights(self) -> Path | None:
        """Return the weights of a finished training, verified by their SHA-256; None if there are none.

        Raises:
            BadInput: the weights or their record are damaged.
        """
        return self._trained_weights()

    def _trained_weights(self) -> Path | None:
        path, record = self.path / "weights.safetensors", self.path / "provenance" / "training.json"
        # the checkpoint is deleted last, so the training was not finished while it exists
        if not (path.exists() and record.exists()) or (self.path / "checkpoint.pt").exists():
            return None
        training = self.read_record("provenance/training")
        if "weights" not in training:
            raise other_version(record, "it has no sha256 of the weights")
        if files.sha256(path) != training["weights"]:
            raise damaged(path, f"its sha256 is not that of {record}")
        return path

    @property
    def log_path(self) -> Path:
        """Path of the training log."""
        return self.path / "training.jsonl"

    def losses(self) -> list[dict[str, Any]]:
        """Return the training log: one record of loss terms per logged ``step``; empty if there was no training.

        Raises:
            BadInput: the file is damaged.
        """
        lines = self.log_path.read_text().splitlines(keepends=True) if self.log_path.exists() else []
        try:
            # a killed training may have left half a line
            return [json.loads(line) for line in lines if line.endswith("\n")]
        except ValueError as error:
            raise damaged(self.log_path, error) from error

    def curves(self) -> list[dict[str, Any]]:
        """Return mean metrics during training, as records of ``step``, ``mask_set`` and ``values``.

        Raises:
            BadInput: the file is damaged.
        """
        path = self.path / "curves.jsonl"
        lines = map(json.loads, checksum.read(path).splitlines() if path.exists() else [])
        points = [line for line in lines if checksum.KEY not in line]
        if any(point.keys() != {"step", "mask_set", "values"} for point in points):
            raise other_version(path, f"its points have other entries: {', '.join(points[0])}")
        return points

    @_writes
    def add_curve_point(self, step: int, mask_set: str, values: dict[str, float]) -> None:
        """Add mean metrics at a step. Points of an interrupted training at or after this step are removed."""
        before = [line for line in self.curves() if (line["step"], line["mask_set"] == mask_set) < (step, True)]
        lines = [*before, {"step": step, "mask_set": mask_set, "values": values}, {checksum.KEY: checksum.BLANK}]
        checksum.write(self.path / "curves.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
