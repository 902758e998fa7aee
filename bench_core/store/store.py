"""Rows and provenance on disk. Reading them needs no torch.

```text
OUT/cells/METHOD-SEED-KEY/   identity.json, training.jsonl, curves.jsonl, weights.safetensors, rows/*.parquet,
                             features/*.safetensors, samples/*.png, provenance/*.json, and failure.txt if the last
                             attempt failed
OUT/truth/KEY.safetensors    features of the ground truth, by the content of the images
OUT/runs/PROTOCOL-KEY/       run.json: the resolved protocol and, for every cell, its state; the tables
```
"""

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from bench_core.errors import BadInput, damaged
from bench_core.protocol import Protocol
from bench_core.seeds import digest
from bench_core.store import checksum
from bench_core.store import rows as rows_file
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.system import files
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup, collective

ABANDONED_AFTER = 24 * 3600.0
"""Seconds without a change after which no living run can be writing a file, even one that was stopped for a while."""
State = Literal["pending", "done", "failed", "n/a"]


@dataclass
class CellStatus:
    """A cell's place in a run."""

    method: str
    variant: str
    seed: int
    state: State = "pending"
    folder: str = ""
    reason: str = ""
    """Why it failed, or why the method cannot serve this protocol."""
    backbones: list[str] = field(default_factory=list)
    """The networks behind its perceptual losses."""
    refused: dict[str, str] = field(default_factory=dict)
    """For each mask set of the protocol that the method cannot fill, why."""
    notes: list[str] = field(default_factory=list)
    """What a reader of its numbers must know besides."""
    evaluation_ids: dict[str, str] = field(default_factory=dict)
    """For each mask set of the protocol, the name of the rows."""

    @property
    def title(self) -> str:
        return f"{self.variant}, seed {self.seed}"


@dataclass
class Run:
    """One command's comparison, as stored."""

    protocol: Protocol
    images: str
    """The digest of the test images."""
    num_pairs: int
    """How many pairs every mask set has."""
    entries: list[CellStatus]
    missing: dict[str, str]
    """For each metric that could not be computed, why."""
    skipped: list[str] = field(default_factory=list)
    """Why images were left out."""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="microseconds"))
    """When; also what tells the order of runs."""


@dataclass(frozen=True)
class Store:
    """All cells and runs below one folder."""

    root: Path
    group: ProcessGroup = SINGLE_PROCESS
    """The processes of a run that share its cells. What is collective must be called by all of them."""

    def remove_temporary_files(self) -> None:
        """Remove what killed runs left half-written beside the cells, which sweep themselves."""
        for name in ("decoded", "truth", "runs"):
            files.remove_temporary_files(self.root / name, ABANDONED_AFTER)

    def cell(self, identity: dict[str, Any]) -> CellFolder:
        name = re.sub(r"[^\w.+=,-]+", "-", f"{identity['variant']}-{identity['seed']}-{digest(identity)[:12]}")
        return CellFolder(self.root / "cells" / name, identity, self.group)

    def folder(self, entry: CellStatus) -> CellFolder:
        """What a run's cell has on disk."""
        return CellFolder(self.root / "cells" / entry.folder, {})

    def run_folder(self, run: Run) -> Path:
        """The same for every repetition of a command."""
        asked = sorted({(entry.variant, entry.seed) for entry in run.entries})
        return self.root / "runs" / f"{run.protocol.name}-{digest([run.protocol.hash, run.images, asked])[:12]}"

    @collective
    def write_run(self, run: Run) -> Path:
        folder = self.run_folder(run)
        record = {**asdict(run), "protocol": run.protocol.model_dump(mode="json"), checksum.KEY: checksum.BLANK}
        checksum.write(folder / "run.json", files.as_json(record))
        return folder

    @property
    def decoded(self) -> Path:
        """Where images are kept decoded; it can be deleted at any time between two runs."""
        return self.root / "decoded"

    def truth(self, protocol: Protocol, images: str, name: str) -> Path:
        """Where features of the ground truth lie: known by what was cut from which images, not by where these are."""
        cut = protocol.model_dump(include={"size", "resize", "crops", "channels"})
        return self.root / "truth" / f"{name}-{digest([images, cut])[:16]}.safetensors"

    def ground_truth_features(self, run: Run, name: str) -> Features | None:
        """Features of the ground truth of a run; None if they were never asked for."""
        return Features.read(self.truth(run.protocol, run.images, name))

    def rows(self, run: Run) -> pd.DataFrame:
        """All rows of a run's cells, under the names that the run's protocol gives its mask sets; texts are categories.

        Raises:
            BadInput: a file of rows is damaged.
        """
        done = [entry for entry in run.entries if entry.state == "done"]
        parts = [
            (self.folder(entry).rows_path(evaluation_id), mask_set)
            for entry in done
            for mask_set, evaluation_id in entry.evaluation_ids.items()
        ]
        return rows_file.together((path, mask_set) for path, mask_set in parts if path.exists())


def read_runs(path: Path) -> tuple[Store, list[Run]]:
    """The store and the runs at a path: a store's folder means all its runs, a run's folder that run.

    Raises:
        BadInput: there are none, or a record is damaged.
    """
    folders = [path] if (path / "run.json").is_file() else sorted((path / "runs").glob("*/"))
    runs = [_read(folder / "run.json") for folder in folders if (folder / "run.json").is_file()]
    if not runs:
        raise BadInput(f"{path} holds no runs: give the folder that was --out of `bench run`, or one of its runs/.")
    root = path.parent.parent if (path / "run.json").is_file() else path
    return Store(root), sorted(runs, key=lambda run: run.created)


def _read(path: Path) -> Run:
    content = checksum.read(path)
    try:
        record = json.loads(content)
        del record[checksum.KEY]
        entries = [CellStatus(**entry) for entry in record["entries"]]
        return Run(**{**record, "protocol": Protocol.model_validate(record["protocol"]), "entries": entries})
    except (ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error
