"""Errors that are the user's to solve, and how their texts name what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class BadInput(ValueError):
    """Something the user gave cannot be used. The text says what was given, what was expected and what to do."""


def damaged(path: Path, why: object) -> BadInput:
    """The error for a file of the store that is not as it was written; all of them can be made again."""
    return BadInput(f"{path} is damaged ({why}); remove it and repeat the command that wrote it.")


def unknown(kind: str, given: str, known: Iterable[str]) -> BadInput:
    """The error for a name that is not among the known ones: lists those and suggests the nearest."""
    names = sorted(known)
    nearest = get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return BadInput(f"There is no {kind} {given!r}.{hint} Known: {', '.join(names) or 'none'}.")
