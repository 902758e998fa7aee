"""Write the tables of docs/reliability.md from the failures and faults that the tests inject."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).with_name("reliability.md")
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.corruption import FAULTS  # noqa: E402
from support.failures import MISHAPS  # noqa: E402
from training.test_lost_ranks import RANKS  # noqa: E402


def failures() -> str:
    rows = ((each.name, each.injected, str(each.code), each.said, each.kept) for each in (*MISHAPS, *RANKS))
    return _table("failure", rows)


def faults() -> str:
    rejected = ("1", "FILE is damaged (...); remove it and repeat the command that wrote it.", "all files, as they are")
    rebuilt = ("0", "", "everything: the file is written again")
    return _table("fault", ((each.name, f"`{each.damaged}`", *(rejected if each.said else rebuilt)) for each in FAULTS))


def _table(kind: str, rows: Iterable[tuple[str, ...]]) -> str:
    head = (kind, "injected", "exit code", "message", "preserved")
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(before: str) -> str:
    """Return the page with its tables replaced by the current ones."""
    for kind, table in (("failure", failures()), ("fault", faults())):
        before = re.sub(rf"^\| {kind} \|.*?\n(?=\n)", lambda _, new=table: new, before, flags=re.MULTILINE | re.DOTALL)
    return before


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
