"""Stored records of one cell, and its provenance as labelled lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.costs import format_duration


@dataclass(frozen=True)
class StoredCell:
    """Records of one cell; empty if they were not written."""

    store: Store
    entry: CellStatus

    @cached_property
    def identity(self) -> dict[str, Any]:
        return self._folder.read_record("identity")

    @cached_property
    def training(self) -> dict[str, Any]:
        return self._folder.read_record("provenance/training")

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """Provenance of the first mask set that has one."""
        records = (self._folder.read_record(f"provenance/{name}") for name in self.entry.evaluation_ids.values())
        return next(filter(None, records), {})

    @cached_property
    def mask_hashes(self) -> dict[str, str]:
        """Hash of the holes by mask set."""
        rows = {name: self._folder.rows(evaluation_id) for name, evaluation_id in self.entry.evaluation_ids.items()}
        return {name: str(found["mask_set_hash"].iloc[0]) for name, found in rows.items() if len(found)}

    @property
    def _folder(self) -> CellFolder:
        return self.store.folder(self.entry)

    def provenance(self, run: Run) -> dict[str, str]:
        """Return what the cell's numbers depend on, by label. Unknown facts are left out."""
        identity, training, evaluation = self.identity, self.training, self.evaluation
        latest = evaluation or training
        facts = {
            "State": f"{self.entry.state}: {self.entry.reason}" if self.entry.reason else self.entry.state,
            "Protocol": run.protocol.hash,
            "Test images": run.images,
            **{f"Mask set {name}": digest for name, digest in self.mask_hashes.items()},
            "Weights": training.get("weights") or identity.get("weights"),
            "Plugin": " ".join(filter(None, (identity.get("plugin"), identity.get("plugin_version")))),
            "Plugin's source": _plugin_source(identity),
            "Options": _joined(identity.get("options", {})),
            "Training images": identity.get("images"),
            "Trained on": training.get("device"),
            "Trained in": _training_time(run, training),
            "Evaluated on": evaluation.get("device"),
            "Precision": latest.get("precision"),
            "Python": " on ".join(filter(None, (latest.get("python"), latest.get("platform")))),
            "Libraries": _joined(latest.get("versions", {})),
            "Commit": latest.get("git"),
        }
        return {label: str(text) for label, text in facts.items() if text}


def _plugin_source(identity: Mapping[str, Any]) -> str | None:
    """Return the digest of the plugin's source; older cells have it under another key."""
    sources = identity.get("sources", {})
    return sources.get(f"bench_{identity.get('plugin')}", identity.get("plugin_source"))


def _training_time(run: Run, training: Mapping[str, Any]) -> str:
    step = training.get("seconds_per_step")
    return f"{format_duration(step * run.protocol.steps)}, {format_duration(step)} per step" if step else ""


def _joined(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
