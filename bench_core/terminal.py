"""The terminal, and when it is to show plain text."""

import os

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """A console that writes no escape code where ``NO_COLOR`` is set or the terminal knows none.

    By itself rich leaves out colours only, and prints bold text and moving bars.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Console(stderr=stderr, highlight=False, force_terminal=False if plain else None)
