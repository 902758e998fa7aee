"""The terminal, and when it is to show plain text."""

import os

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """A console that writes no escape code where ``NO_COLOR`` is set or the terminal knows none.

    By itself rich heeds the former by leaving out colours only, and takes the latter for 80 columns wide.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return Console(stderr=stderr, highlight=False, force_terminal=False if plain else None)
