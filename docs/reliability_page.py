"""Writes the table in docs/reliability.md from the faults that tests/test_faults.py injects."""

import re
import runpy
from pathlib import Path

PAGE = Path(__file__).with_name("reliability.md")
FAULTS = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "faults.py"))["FAULTS"]
TABLE = re.compile(r"^\| fault \|.*?\n(?=\n)", re.MULTILINE | re.DOTALL)


def table() -> str:
    lines = ["| fault | file | exit code | what is said | what becomes of it |", "|---|---|---|---|---|"]
    for fault in FAULTS:
        told = ("1", f"FILE {fault.said}", "left for you to remove") if fault.said else ("0", "", "made again")
        lines.append(f"| {fault.name} | `{fault.damaged}` | " + " | ".join(told) + " |")
    return "\n".join(lines) + "\n"


def page(before: str) -> str:
    """The page with today's table."""
    return TABLE.sub(lambda _: table(), before)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
