"""Checks of the masks of one folder, before anything is trained or evaluated with them."""

from collections.abc import Sequence
from pathlib import Path

from bench_core.errors import BadInput
from bench_core.system.image_files import print_once

MAX_LISTED = 5
"""Maximum number of files in a message."""


def describe_errors(errors: Sequence[str]) -> str:
    """Return the message for masks that cannot be read. Masks are never skipped, since each belongs to an image."""
    rest = f"\n... and {len(errors) - MAX_LISTED} more" if len(errors) > MAX_LISTED else ""
    return "\n".join(errors[:MAX_LISTED]) + rest + "\nRepair or remove these masks; bad masks are never skipped."


def refuse_blank(where: Path | str, blank: Sequence[str], count: int) -> None:
    """Refuse masks if all of them are blank, and print a line if some are.

    Args:
        where: folder of the masks.
        blank: names of the masks that mark nothing or everything, with the levels they hold.
        count: number of all masks.

    Raises:
        BadInput: all masks are blank.
    """
    if not blank:
        return
    listed = ", ".join(blank[:MAX_LISTED]) + (", ..." if len(blank) > MAX_LISTED else "")
    if len(blank) == count:
        raise BadInput(
            f"No mask in {where} marks a part of its image: {listed}. Expected white and black pixels; give masks "
            "with the levels 0 and 255, or a lower --threshold (`threshold` in a protocol)."
        )
    print_once(f"{where}: {len(blank)} of {count} masks mark nothing or everything: {listed}.")
