"""Writes the page of this folder from the measurements in it: python reports/performance/page.py"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INTRODUCTION = """# What was measured

Each table is a `.json` of `bench perf` or `python -m benchmarks.judging`, which holds every round's time, versions,
machine and the command. [docs/performance.md](../../docs/performance.md) tells how to measure, and what the columns
mean; the last row of a group is the one that the others are compared with. All ran in turn on the machine that the
notes name; quote ratios, not milliseconds.

The rivals are the networks of nipponjo/deepfillv2-pytorch (with the fusion of attention scores that its converted
network leaves out), naoto0804/pytorch-inpainting-with-partial-conv with NVIDIA's own `PartialConv2d` (one mask
channel per feature), and Zheng222/DMFN, with our weights in them. "Memory kept" means that the rival, too, runs under
the allocator's setting that `bench` takes for itself. They are not part of this repository; `bench perf --against`
measures whatever a file brings.

Weights are random, and pconv's colours reach hundreds before they are clamped to [0, 1], so that a difference there
looks larger than it is, and is marked ≠ at 512 pixels; relative to what is clamped the outputs agree to 1e-5
(`plugins/pconv/tests/test_pconv_plain.py`). 16 bits are another function, and their differences on random weights say
nothing about trained ones. A training step below its floor (x floor less than 1) means that the machine gave the kernel
that tells the floor less than it gave the step.

Ratios depend on the machine: what a method saves is mostly memory traffic, so it gains less where convolutions are slow
(x floor tells how near that is). The Xeon's training steps were measured before gradients were let go right after the
step, which lowers their memory, and all of its rows before the attention of gated had its matrix products computed as
convolutions. A step of gated paints twice, for each of its networks learns from a batch of its own, as in the official
code, while nipponjo's paints once; "a batch for each network" is nipponjo's network and losses in the official rounds.
SSIM's row holds all that the judge does with a picture, not the filters alone.
"""
COLUMNS = ("what", "machine", "who", "median ms", "times as fast", "x floor", "peak MiB", "difference")


def page(folder: Path = HERE) -> str:
    """The whole page, in Markdown."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    tables = [report for report in found if "rows" in report]  # growth.json has curves
    parts = sorted({row["part"] for report in tables for row in report["rows"]})
    return "\n".join([INTRODUCTION, *(line for part in parts for line in _section(part, tables))])


def _section(part: str, tables: list[dict[str, Any]]) -> Iterator[str]:
    """One part's rows of all reports that have such."""
    rows = [(row, report) for report in tables for row in report["rows"] if row["part"] == part]
    yield f"## {part.capitalize()}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---|---|---|" + "---:|" * (len(COLUMNS) - 3)
    for row, report in rows:
        yield f"| {' | '.join(_cells(row, _machine(report)))} |"
    yield from ("", *dict.fromkeys(f"* {_note(report)}" for _, report in rows), "")


def _machine(report: dict[str, Any]) -> str:
    """The processor's or the card's name: ``cpu (NAME(R) KIND, 2 cores)`` is NAME KIND."""
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
    words = " ".join(report["command"])
    where = f"{report['device']}, {report['threads']} threads, torch {report['versions']['torch']}"
    return f"`{words}`: {where}, {report['date'][:10]}, load {report['load']:.1f} at the start"


if __name__ == "__main__":
    (HERE / "README.md").write_text(page(), encoding="utf-8")
