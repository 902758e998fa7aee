"""Write the page of this folder from its measurements: python reports/performance/page.py"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INTRODUCTION = """# Measurements

Each table shows `.json` files of `bench perf` or `python -m benchmarks.evaluation_speed`. They hold the time of every
round, versions, machine and command; the notes below each table give the commands as they were named at that time.
[docs/performance.md](../../docs/performance.md) explains how to measure and what the columns mean. The last row of a
group is the reference of the others. The candidates of a case ran in alternation on one machine, so quote speed-ups,
not milliseconds.

The baselines are the networks of nipponjo/deepfillv2-pytorch (with the fusion of attention scores that its converted
network omits), naoto0804/pytorch-inpainting-with-partial-conv with NVIDIA's own `PartialConv2d` (one mask channel per
feature), Zheng222/DMFN, and knazeri/edge-connect with scikit-image's edges. All use our weights. "Tuned malloc" means
that the baseline also runs with the malloc settings of `bench`. The baselines are not part of this repository;
`bench perf --against` measures any file.

Weights are random. pconv's colours then reach hundreds before they are clamped to [0, 1], which inflates its
differences: it is marked ≠ at 512 pixels. Relative to the values before the clamp the outputs agree to 1e-5
(`plugins/pconv/tests/test_pconv_plain.py`). 16 bits compute another function, and their differences on random weights
say nothing about trained ones. In a training step with x roofline below 1 the machine was slower for the roofline
kernel than for the step.

Speed-ups depend on the machine. A method mostly saves memory traffic, so it gains less where convolutions are slow
(x roofline shows how close that is). The Xeon's training steps were measured before gradients were freed right after
the step, which lowers peak memory. All rows of the Xeon were measured before gated's attention computed its matrix
products as convolutions. A step of gated runs the generator twice, since each of its networks learns from a batch of
its own, as in the official code. nipponjo's step runs it once; "a batch for each network" combines nipponjo's network
and losses with the official rounds. The row of SSIM includes all work of an evaluation, not only the filters.
"""
COLUMNS = ("case", "machine", "candidate", "median ms", "speed-up", "x roofline", "peak MiB", "difference")


def page(folder: Path = HERE) -> str:
    """Return the whole page in Markdown."""
    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    reports = [report for report in reports if "rows" in report]  # growth.json has curves
    parts = sorted({row["part"] for report in reports for row in report["rows"]})
    return "\n".join([INTRODUCTION, *(line for part in parts for line in _section(part, reports))])


def _section(part: str, reports: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of one part, with the rows of all reports."""
    rows = [(row, report) for report in reports for row in report["rows"] if row["part"] == part]
    yield f"## {part.capitalize()}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---|---|---|" + "---:|" * (len(COLUMNS) - 3)
    for row, report in rows:
        yield f"| {' | '.join(_cells(row, _machine(report)))} |"
    yield from ("", *dict.fromkeys(f"* {_note(report)}" for _, report in rows), "")


def _machine(report: dict[str, Any]) -> str:
    """Shorten the device's name: ``cpu (NAME(R) KIND, 2 cores)`` becomes NAME KIND."""
    inside = report["device"].partition("(")[2].rpartition(")")[0]
    return inside.partition(",")[0].replace("(R)", "").removesuffix(" Processor")


def _cells(row: dict[str, Any], machine: str) -> Iterator[str]:
    yield from (row["case"], machine, row["name"])
    if row["median"] is None:
        yield from (row["reason"], *[""] * (len(COLUMNS) - 4))
        return
    yield f"{1000 * row['median']:,.0f}"
    yield "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    yield "" if row["floor"] is None else f"{row['floor']:.2f}"
    yield "" if row["peak"] is None else f"{row['peak']:,.0f}"
    yield "" if row["difference"] is None else f"{row['difference']:.1e}" + ("" if row["agrees"] else " ≠")


def _note(report: dict[str, Any]) -> str:
    command = " ".join(report["command"])
    machine = f"{report['device']}, {report['threads']} threads, torch {report['versions']['torch']}"
    return f"`{command}`: {machine}, {report['date'][:10]}, load {report['load']:.1f} at the start"


if __name__ == "__main__":
    (HERE / "README.md").write_text(page(), encoding="utf-8")
