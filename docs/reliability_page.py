"""Writes the tables in docs/reliability.md from what the tests of faults, mishaps and lost ranks inject."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

PAGE = Path(__file__).with_name("reliability.md")
sys.path.append(str(Path(__file__).parents[1] / "tests"))

from support.corruption import FAULTS  # noqa: E402
from support.failures import MISHAPS  # noqa: E402
from training.test_lost_ranks import RANKS  # noqa: E402


def mishaps() -> str:
    rows = ((each.name, each.injected, str(each.code), each.said, each.kept) for each in (*MISHAPS, *RANKS))
    return _table("mishap", rows)


def faults() -> str:
    told = ("1", "FILE is damaged (...); remove it and repeat the command that wrote it.", "all files, as they are")
    again = ("0", "", "everything: it is made again")
    return _table("fault", ((each.name, f"`{each.damaged}`", *(told if each.said else again)) for each in FAULTS))


def _table(kind: str, rows: Iterable[tuple[str, ...]]) -> str:
    head = (kind, "what is injected", "exit code", "what is said", "what is preserved")
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def page(before: str) -> str:
    """The page with today's tables."""
    for kind, table in (("mishap", mishaps()), ("fault", faults())):
        before = re.sub(rf"^\| {kind} \|.*?\n(?=\n)", lambda _, new=table: new, before, flags=re.MULTILINE | re.DOTALL)
    return before


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
