"""Write this folder's README from its measurements: python reports/performance/page.py"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INTRODUCTION = """# Performance measurements

Each `.json` was written by `bench perf` or `python -m benchmarks.judging`, with the time of every round, versions,
machine and command. [docs/performance.md](../../docs/performance.md) explains how to measure and what the columns
mean. The last row of a group is the baseline of the others. All rows of a group ran in turn on the machine that the
notes name; quote ratios, not milliseconds.

The baselines are the networks of nipponjo/deepfillv2-pytorch (with the fusion of attention scores that its converted
network omits), naoto0804/pytorch-inpainting-with-partial-conv with NVIDIA's own `PartialConv2d` (one mask channel per
feature), and Zheng222/DMFN, all with our weights. "Memory kept" means that the baseline also runs with the allocator
setting of `bench`. The baselines are not part of this repository; `bench perf --against` measures any file that
defines one.

Weights are random, and pconv's colours reach hundreds before they are clamped to [0, 1]. Differences there look
larger than they are, and are marked ≠ at 512 pixels; relative to the unclamped values the outputs agree to 1e-5
(`plugins/pconv/tests/test_pconv_plain.py`). 16-bit arithmetic computes another function, and its differences on
random weights say nothing about trained ones. A training step below its floor (x floor less than 1) means that the
machine was slower while the floor was measured.

Ratios depend on the machine. Our methods save mostly memory traffic, so they gain less on machines with slow
convolutions (x floor shows how close a row is to that limit). The Xeon's training steps were measured before
gradients were freed right after the step, which lowers their memory. All of its rows were measured before the
attention of gated computed its matrix products as convolutions. A step of gated predicts twice, as each of its
networks learns from its own batch, as in the official code; nipponjo's predicts once. "A batch for each network" is
nipponjo's network and losses with the official batches. SSIM's row includes all work of the metric on an image, not
only its filters.
"""
COLUMNS = ("what", "machine", "who", "median ms", "times as fast", "x floor", "peak MiB", "difference")


def page(folder: Path = HERE) -> str:
    """Return the whole page in Markdown."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    tables = [report for report in found if "rows" in report]  # growth.json has curves
    parts = sorted({row["part"] for report in tables for row in report["rows"]})
    return "\n".join([INTRODUCTION, *(line for part in parts for line in _section(part, tables))])


def _section(part: str, tables: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the table of one part, with the rows of all measurements."""
    rows = [(row, report) for report in tables for row in report["rows"] if row["part"] == part]
    yield f"## {part.capitalize()}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---|---|---|" + "---:|" * (len(COLUMNS) - 3)
    for row, report in rows:
        yield f"| {' | '.join(_cells(row, _machine(report)))} |"
    yield from ("", *dict.fromkeys(f"* {_note(report)}" for _, report in rows), "")


def _machine(report: dict[str, Any]) -> str:
    """Return the processor's or GPU's name: NAME KIND for ``cpu (NAME(R) KIND, 2 cores)``."""
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
