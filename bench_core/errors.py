"""Errors that the user can fix, with messages that suggest the next step."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class BadInput(ValueError):
    """Invalid user input. The message says what was given, what was expected and what to do next."""


def damaged(path: Path, why: object) -> BadInput:
    """Return the error for a corrupt file of the store. Every file of a store can be made again."""
    return BadInput(f"{path} is damaged ({why}); remove it and repeat the command that wrote it.")


def other_version(path: Path, why: object, version: str = "") -> BadInput:
    """Return the error for an intact file of the store whose content this version does not understand."""
    recorded = f", {version}," if version else ""
    return BadInput(
        f"{path} was written by another version of inpaint-bench{recorded} ({why}). Use that version, or move the file "
        "away and repeat the command that wrote it with this one."
    )


def unknown(kind: str, given: str, known: Iterable[str]) -> BadInput:
    """Return the error for an unknown name: it lists the known names and suggests the nearest."""
    names = sorted(known)
    nearest = get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return BadInput(f"There is no {kind} {given!r}.{hint} Known: {', '.join(names) or 'none'}.")
