"""What a cell has on disk (the files are named in `bench_core.store.store`). Reading it needs no torch."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench_core.errors import damaged
from bench_core.store import checksum
from bench_core.store import rows as rows_file
from bench_core.store.features import Features
from bench_core.store.lock import folder_lock
from bench_core.system import files
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup, collective


@dataclass(frozen=True)
class CellFolder:
    """What one cell has on disk. `identity` holds all that its trained weights depend on."""

    path: Path
    identity: dict[str, Any]
    group: ProcessGroup = SINGLE_PROCESS
    """The processes that work on the cell together. What is collective must be called by all of them."""

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Lock the folder while the block runs; yields False if another run holds the lock. Collective."""
        with ExitStack() as stack:
            yield self.group.on_rank_zero(lambda: stack.enter_context(folder_lock(self.path)))

    def rows(self, evaluation_id: str) -> pd.DataFrame:
        """Rows of one mask set under one way of judging; empty if there are none yet.

        Raises:
            BadInput: the file is damaged.
        """
        path = self.rows_path(evaluation_id)
        return rows_file.read(path) if path.exists() else rows_file.as_rows([])

    @collective
    def measured(self, evaluation_id: str) -> set[tuple[str, int]]:
        """Definitions and versions of the metrics that have rows."""
        rows = self.rows(evaluation_id)
        return set(zip(rows["metric"], rows["version"], strict=True))

    @collective
    def add_rows(self, evaluation_id: str, rows: pd.DataFrame) -> None:
        """Add rows of metrics, in place of those of another version of the same definition."""
        known = self.rows(evaluation_id)
        known = known[~known["metric"].isin(rows["metric"])]
        together = pd.concat([known, rows], ignore_index=True) if len(known) else rows
        rows_file.write(self.rows_path(evaluation_id), together)

    @collective
    def features(self, evaluation_id: str, name: str) -> Features | None:
        """What an extractor made of every picture of one mask set; None if that was never asked for."""
        return Features.read(self._features_path(evaluation_id, name))

    @collective
    def add_features(self, evaluation_id: str, features: Mapping[str, Features]) -> None:
        for name, each in features.items():
            each.write(self._features_path(evaluation_id, name))

    def _features_path(self, evaluation_id: str, name: str) -> Path:
        return self.path / "features" / f"{evaluation_id}-{name}.safetensors"

    def rows_path(self, evaluation_id: str) -> Path:
        return self.path / "rows" / f"{evaluation_id}.parquet"

    def samples_path(self, evaluation_id: str) -> Path:
        """Where pictures of one mask set are kept."""
        return self.path / "samples" / evaluation_id

    @collective
    def begin(self) -> None:
        """Make the folder, and forget that an earlier attempt failed or was killed."""
        files.remove_temporary_files(self.path)
        files.write_json(self.path / "identity.json", self.identity)
        (self.path / "failure.txt").unlink(missing_ok=True)

    def record(self, name: str) -> dict[str, Any]:
        """What one of its records tells, such as ``provenance/training``; nothing where there is none.

        Raises:
            BadInput: it is damaged.
        """
        path = self.path / f"{name}.json"
        try:
            return json.loads(path.read_text()) if path.exists() else {}
        except ValueError as error:
            raise damaged(path, error) from error

    @collective
    def write_provenance(self, of: str, provenance: dict[str, Any]) -> None:
        """What was used for the ``training``, or for a judgement's rows."""
        files.write_json(self.path / "provenance" / f"{of}.json", provenance)

    @property
    def has_trained_weights(self) -> bool:
        return self._trained_weights() is not None

    @collective
    def trained_weights(self) -> Path | None:
        return self._trained_weights()

    def _trained_weights(self) -> Path | None:
        """Those of a finished training; None if there are none.

        Raises:
            BadInput: they are not as they were written.
        """
        path, told = self.path / "weights.safetensors", self.path / "provenance" / "training.json"
        if not (path.exists() and told.exists()) or (self.path / "checkpoint.pt").exists():  # which is deleted last
            return None
        try:
            expected = json.loads(told.read_text())["weights"]
        except (ValueError, KeyError, TypeError) as error:
            raise damaged(told, error) from error
        if files.sha256(path) != expected:
            raise damaged(path, f"its sha256 is not that of {told}")
        return path

    @property
    def log(self) -> Path:
        """Where a training writes its losses."""
        return self.path / "training.jsonl"

    def losses(self) -> list[dict[str, Any]]:
        """Loss terms during the training, a line for every ``step``; empty if there was none.

        Raises:
            BadInput: the file is damaged.
        """
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        try:
            # a training that was killed may have left half a line
            return [json.loads(line) for line in lines if line.endswith("\n")]
        except ValueError as error:
            raise damaged(self.log, error) from error

    def curves(self) -> list[dict[str, Any]]:
        """Means of metrics during the training: lines of ``step``, ``mask_set`` and ``values``."""
        path = self.path / "curves.jsonl"
        lines = map(json.loads, checksum.read(path).splitlines() if path.exists() else [])
        return [line for line in lines if checksum.KEY not in line]

    @collective
    def add_to_curves(self, step: int, mask_set: str, values: dict[str, float]) -> None:
        """Add a line, in place of what an interrupted training had written beyond it."""
        before = [line for line in self.curves() if (line["step"], line["mask_set"] == mask_set) < (step, True)]
        lines = [*before, {"step": step, "mask_set": mask_set, "values": values}, {checksum.KEY: checksum.BLANK}]
        checksum.write(self.path / "curves.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())

    def fail(self, text: str) -> None:
        if self.group.is_rank_zero:
            files.write_bytes(self.path / "failure.txt", text.encode())
