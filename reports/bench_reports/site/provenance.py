"""What a number can be traced to, as lines of a page."""

from collections.abc import Mapping
from typing import Any

from bench_core.store.store import Run
from bench_reports.site.costs import duration
from bench_reports.site.stored import StoredCell


def lines(run: Run, cell: StoredCell) -> dict[str, str]:
    """Labels with what is known; what is not is left out."""
    known, training, judging = cell.identity, cell.training, cell.judging
    told = judging or training
    found = {
        "State": f"{cell.entry.state}: {cell.entry.reason}" if cell.entry.reason else cell.entry.state,
        "Protocol": run.protocol.hash,
        "Test images": run.images,
        **{f"Mask set {name}": digest for name, digest in cell.mask_hashes.items()},
        "Weights": training.get("weights") or known.get("weights"),
        "Plugin": " ".join(filter(None, (known.get("plugin"), known.get("plugin_version")))),
        "Plugin's source": known.get("sources", {}).get(f"bench_{known.get('plugin')}", known.get("plugin_source")),
        "Options": _pairs(known.get("options", {})),
        "Training images": known.get("images"),
        "Trained on": training.get("device"),
        "Trained in": _training_time(run, training),
        "Judged on": judging.get("device"),
        "Precision": told.get("precision"),
        "Python": " on ".join(filter(None, (told.get("python"), told.get("platform")))),
        "Libraries": _pairs(told.get("versions", {})),
        "Commit": told.get("git"),
    }
    return {label: str(text) for label, text in found.items() if text}


def _training_time(run: Run, training: Mapping[str, Any]) -> str:
    each = training.get("seconds_per_step")
    return f"{duration(each * run.protocol.steps)}, {duration(each)} a step" if each else ""


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
