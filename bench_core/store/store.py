"""Store of results: all cells and runs below one folder. Reading it needs no torch.

```text
OUT/cells/METHOD-SEED-KEY/   identity.json, training.jsonl, curves.jsonl, weights.safetensors, rows/*.parquet,
                             features/*.safetensors, samples/*.png, provenance/*.json, and failure.txt if the last
                             attempt failed
OUT/truth/KEY.safetensors    features of the ground truth; the key depends on the content of the images
OUT/decoded/                 cache of decoded images
OUT/runs/PROTOCOL-KEY/       run.json, the resolved protocol and the status of every cell; the tables
```
"""

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import ValidationError

from bench_core import __version__
from bench_core.errors import BadInput, damaged, other_version
from bench_core.protocol import MAX_NAME_BYTES, Protocol
from bench_core.seeds import digest
from bench_core.store import checksum
from bench_core.store import rows as rows_file
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.system import files
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup, collective

ABANDONED_SECONDS = 24 * 3600.0
"""Age of a temporary file that no running command can still be writing, even one that was suspended for a while."""
State = Literal["pending", "done", "failed", "n/a", "missing"]
"""State of a cell. Tables call a cell "missing" if it was done, but none of its rows are in the store any more."""
FINAL: tuple[State, ...] = ("done", "n/a")
"""States that a repetition does not change."""


@dataclass
class CellStatus:
    """Status of one cell in a run."""

    method: str
    variant: str
    seed: int
    state: State = "pending"
    folder: str = ""
    reason: str = ""
    """Reason of a failure, or why the method does not support the protocol."""
    backbones: list[str] = field(default_factory=list)
    """Networks behind its perceptual losses."""
    refused: dict[str, str] = field(default_factory=dict)
    """Reasons by mask set, for mask sets that the method does not support."""
    notes: list[str] = field(default_factory=list)
    """Caveats for readers of its numbers."""
    evaluation_ids: dict[str, str] = field(default_factory=dict)
    """Names of the files of rows, by mask set."""
    missing: dict[str, str] = field(default_factory=dict)
    """Reasons by mask set whose rows are not in the store any more. Tables find them out; records have none."""

    @property
    def title(self) -> str:
        return f"{self.variant}, seed {self.seed}"


@dataclass
class Run:
    """Record of one experiment."""

    protocol: Protocol
    images: str
    """Digest of the test images."""
    num_pairs: int
    """Pairs of each mask set."""
    entries: list[CellStatus]
    missing: dict[str, str]
    """Reasons by metric, for metrics that could not be computed."""
    skipped: list[str] = field(default_factory=list)
    """Messages about test images that were skipped."""
    image_notes: list[str] = field(default_factory=list)
    """Sentences about its images for readers of its tables."""
    copies: dict[str, str] = field(default_factory=dict)
    """The name of each test image that is a copy of another one, and of the first of them. They are one photograph."""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="microseconds"))
    """Time of creation, ISO 8601 in UTC. Runs are ordered by it."""
    earlier: list[list[CellStatus]] = field(default_factory=list)
    """Finished cells of earlier repetitions, oldest first, of the variants that this one has not finished."""
    version: str = __version__
    """Version of the harness that wrote the record."""


@dataclass(frozen=True)
class Store:
    """Cells and runs below one folder."""

    root: Path
    group: ProcessGroup = SINGLE_PROCESS
    """Processes of a run that share its cells. All of them must call collective methods."""

    def remove_temporary_files(self) -> None:
        """Remove old temporary files of killed runs. Cells remove their own when they start again."""
        for name in ("decoded", "truth", "runs"):
            files.remove_temporary_files(self.root / name, ABANDONED_SECONDS)

    def cell(self, identity: dict[str, Any]) -> CellFolder:
        """Return the folder of a cell, which need not exist yet."""
        variant = re.sub(r"[^\w.+=,-]+", "-", identity["variant"]).encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        name = f"{variant}-{identity['seed']}-{digest(identity)[:12]}"
        return CellFolder(self.root / "cells" / name, identity, self.group)

    def folder(self, entry: CellStatus) -> CellFolder:
        """Return the folder of a cell of a stored run."""
        return CellFolder(self.root / "cells" / entry.folder, {})

    def run_folder(self, run: Run) -> Path:
        """Return the folder of a run. Repetitions of a command share it."""
        return self.root / "runs" / run_folder_name(run)

    @collective
    def write_run(self, run: Run) -> Path:
        """Write a run's record and return its folder. The record that it replaces leaves its finished cells to it."""
        folder = self.run_folder(run)
        run.earlier = _earlier(run, folder / "run.json")
        record = {**asdict(run), "protocol": run.protocol.model_dump(mode="json"), checksum.KEY: checksum.BLANK}
        checksum.write(folder / "run.json", files.json_bytes(record))
        return folder

    @property
    def image_cache_path(self) -> Path:
        """Folder of decoded images. You can delete it between two runs."""
        return self.root / "decoded"

    def ground_truth_path(self, protocol: Protocol, images: str, name: str) -> Path:
        """Return the file of the ground truth's features.

        Args:
            images: digest of the images. The path depends on their content and crops, not on their folder.
            name: name of the feature extractor.
        """
        crop = protocol.model_dump(include={"size", "resize", "crops", "channels"})
        return self.root / "truth" / f"{name}-{digest([images, crop])[:16]}.safetensors"

    def ground_truth_features(self, run: Run, name: str) -> Features | None:
        """Return features of the ground truth of a run; None if they were never computed."""
        return Features.read(self.ground_truth_path(run.protocol, run.images, name))

    def rows(self, run: Run) -> pd.DataFrame:
        """Return all rows of a run, with the mask set names of its protocol. Texts are categories.

        Raises:
            BadInput: a file of rows is damaged.
        """
        parts = [
            (self.folder(entry).rows_path(evaluation_id), mask_set)
            for entry in run.entries
            if entry.state == "done"
            for mask_set, evaluation_id in entry.evaluation_ids.items()
        ]
        return rows_file.read_many((path, mask_set) for path, mask_set in parts if path.exists())


def run_folder_name(run: Run) -> str:
    """Name the folder of a run after its protocol, test images and cells."""
    cells = sorted({(entry.variant, entry.seed) for entry in run.entries})
    return f"{run.protocol.name}-{digest([run.protocol.hash, run.images, cells])[:12]}"


def read_runs(path: Path) -> tuple[Store, list[Run]]:
    """Read the runs of a store, ordered by creation, or the single run of a run's folder.

    Raises:
        BadInput: the folder holds no runs, or a record is damaged.
    """
    folders = [path] if (path / "run.json").is_file() else sorted((path / "runs").glob("*/"))
    runs = [_read_run(folder / "run.json") for folder in folders if (folder / "run.json").is_file()]
    if not runs:
        raise BadInput(f"{path} holds no runs. Give the --out folder of `bench run`, or a folder below its runs/.")
    root = path.parent.parent if (path / "run.json").is_file() else path
    return Store(root), sorted(runs, key=lambda run: run.created)


def _earlier(run: Run, path: Path) -> list[list[CellStatus]]:
    """Return the finished cells of the record at `path`, of the variants that a run has not finished itself."""
    try:
        before = _read_run(path)
    except BadInput:  # there is none, or it cannot be read and is replaced
        return []
    unfinished = {entry.variant for entry in run.entries if entry.state not in FINAL}
    attempts = before.earlier if before.created == run.created else [*before.earlier, before.entries]
    kept = [[entry for entry in each if entry.variant in unfinished and entry.state in FINAL] for each in attempts]
    # repeated attempts often find the same cells
    return [each for place, each in enumerate(kept) if each and each not in kept[place + 1 :]]


def _read_run(path: Path) -> Run:
    content = checksum.read(path)
    try:
        record = json.loads(content)
    except ValueError as error:
        raise damaged(path, error) from error
    try:
        del record[checksum.KEY]
        # older versions did not record theirs
        given = {"version": "", **record, "protocol": Protocol.model_validate(record["protocol"])}
        given["entries"] = [CellStatus(**entry) for entry in record["entries"]]
        given["earlier"] = [[CellStatus(**entry) for entry in each] for each in record.get("earlier", [])]
        return Run(**given)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        version = record.get("version", "") if isinstance(record, dict) else ""
        raise other_version(path, _first_fault(error), version) from error


def _first_fault(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"protocol.{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)
