"""The programs for a GPU run on the pretended one, and the page shows what they count."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT
from support.small_training import TRAINED

from bench_perf.pretend_cuda import PretendCuda


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the benchmarks, which are not installed."""
    monkeypatch.syspath_prepend(ROOT)
    import benchmarks.gpu_lease
    import benchmarks.gpu_readiness

    return benchmarks


def test_page_counts_no_wait_and_one_graph_for_every_method(programs: Any):
    rows = programs.gpu_readiness.SLOT.search(programs.gpu_readiness.PAGE.read_text(encoding="utf-8"))[0]
    found = dict(re.findall(r"^\| `(\S+)` \| (.*) \|$", rows, re.MULTILINE))
    assert {"gated", "glcic:poisson"} <= set(found) <= set(TRAINED)
    assert {name: counts for name, counts in found.items() if counts != "0 | 0 | 1 | 1"} == {
        "glcic:poisson": found["glcic:poisson"]
    }


def records(programs: Any, path: Path, sections: dict[str, Any]) -> list[dict[str, Any]]:
    lease = programs.gpu_lease.Lease(("context_encoder", "gradient_attention"), "nano", 64, 2, 1)
    with PretendCuda().installed(), path.open("w") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs.gpu_lease, "SECTIONS", sections)
        programs.gpu_lease.measure(lease, file)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_lease_measures_every_method(programs: Any, tmp_path: Path):
    known = programs.gpu_lease.SECTIONS
    chosen = {name: known[name] for name in ("waits", "predictions", "steps")}
    found = records(programs, tmp_path / "lease.jsonl", chosen)
    assert not any("error" in record for record in found)
    assert [r["method"] for r in found if r["section"] == "waits"] == ["context_encoder", "gradient_attention"]
    steps = [record for record in found if record["section"] == "steps"]
    assert {(r["method"], r["precision"]) for r in steps} == {
        (method, precision)
        for method in ("context_encoder", "gradient_attention")
        for precision in ("32-true", "tf32", "bf16-mixed", "16-mixed")
    }
    assert all(record["finite"] and record["device"] == "pretend GPU" for record in steps)


def test_lease_stops_each_section_in_time_and_goes_on_after_a_failure(programs: Any, tmp_path: Path):
    def endless(lease: Any):
        while True:
            yield {"more": True}

    def broken(lease: Any):
        yield {"more": True}
        raise ValueError("by design")

    found = records(programs, tmp_path / "lease.jsonl", {"endless": (-1, endless), "broken": (9, broken)})
    kept = [{k: v for k, v in record.items() if k not in ("time", "device")} for record in found]
    assert kept == [
        {"section": "endless", "more": True},
        {"section": "endless", "stopped_after": -1},
        {"section": "broken", "more": True},
        {"section": "broken", "error": "ValueError: by design"},
    ]
