"""The pages of the documentation and the blocks of code in them."""

import re
from dataclasses import dataclass
from pathlib import Path

from support.paths import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
READMES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md"))]
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>.+) -->\n)?^```(?P<language>.*)\n(?P<text>(?:.*\n)*?)^```$", re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    reason: str
    """Why the tests do not run it, from the comment ``<!-- not run: WHY -->`` on the line before it."""


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["language"], match["text"], match["reason"] or "") for match in found]


def shell_blocks(page: Path) -> list[str]:
    """Those that the tests run: what a reader is told to type."""
    return [block.text for block in blocks(page) if block.language == "sh"]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))
