"""The page of measurements is generated from the measurements."""

import json
import runpy
from pathlib import Path
from typing import Any

from support.paths import ROOT

FOLDER = ROOT / "reports" / "performance"
PAGE = runpy.run_path(str(FOLDER / "page.py"))["page"]
ABOUT = {"command": ["perf"], "threads": 1, "versions": {"torch": "2"}, "date": "2025-01-02T03:04", "load": 0.5}


def row(part: str, name: str) -> dict[str, Any]:
    missing = dict.fromkeys(("ratio", "floor", "peak", "difference"))
    return {"part": part, "case": "m 256 b1", "name": name, "median": 0.25, **missing}


def test_the_committed_page_is_up_to_date():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == PAGE()


def test_rows_of_all_files_are_grouped_by_part(tmp_path: Path):
    rows = {"cpu": [row("forward", "one")], "gpu": [row("training", "two"), row("forward", "three")]}
    for kind, each in rows.items():
        (tmp_path / f"{kind}.json").write_text(json.dumps({"rows": each, "device": f"{kind} (Some {kind})", **ABOUT}))
    _, forward, training = PAGE(tmp_path).split("\n## ")
    assert forward.startswith("Forward") and training.startswith("Training")
    assert "| m 256 b1 | Some cpu | one | 250 |" in forward and "| m 256 b1 | Some gpu | three | 250 |" in forward
    assert "| m 256 b1 | Some gpu | two | 250 |" in training and "Some cpu" not in training
    assert forward.count("\n* ") == 2 and training.count("\n* ") == 1
