"""Finds files that belong together: predictions, ground truths and holes with the same names."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench_core.errors import BadInput
from bench_core.system.image_files import find_image_files, require_folder, walk

MAX_LISTED = 5
"""Maximum number of names in an error message."""
PLACEHOLDER = "{name}"


def find(where: str, masks: bool = False) -> dict[str, Path]:
    """Find image files: all below a folder, or those that match a path with ``{name}`` in it.

    Args:
        where: A folder, or a path with ``{name}``.
        masks: Find masks in place of photographs, where both lie in one folder.

    Returns:
        The files by name, sorted. A name is the path below the folder without suffix, or the text in place of
        ``{name}``.

    Raises:
        BadInput: The folder does not exist, holds no images, or two files have the same name.
    """
    found = _matching(where) if PLACEHOLDER in where else _below(Path(where).expanduser(), masks)
    named: dict[str, Path] = {}
    for name, path in found:
        if name in named:
            raise BadInput(f"{named[name]} and {path} have the same name, {name!r}: keep one of them.")
        named[name] = path
    if not named:
        raise BadInput(f"No file matches {Path(where).expanduser().absolute()}.")
    return dict(sorted(named.items()))


def _below(folder: Path, masks: bool) -> Iterable[tuple[str, Path]]:
    if not folder.is_dir():
        raise BadInput(
            f"There is no folder {folder.absolute()}. Give a folder, or a path with {PLACEHOLDER} such as "
            f"out/{PLACEHOLDER}_a.png."
        )
    paths = find_image_files(folder, masks)
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in paths]


def _matching(where: str) -> Iterable[tuple[str, Path]]:
    path = Path(where).expanduser()
    if where.count(PLACEHOLDER) > 1 or PLACEHOLDER not in path.name:
        raise BadInput(f"{where}: {PLACEHOLDER} must stand once, in the file's name and not in its folder's.")
    before, after = (re.escape(part) for part in path.name.split(PLACEHOLDER))
    _, files = next(walk(require_folder(path.parent)))
    matches = (re.fullmatch(f"{before}(.+){after}", file) for file in sorted(files))
    return [(match[1], path.parent / match[0]) for match in matches if match]


def same_names(predictions: Mapping[str, Path], others: Mapping[str, Path], kind: str, subset: bool) -> None:
    """Make sure that every prediction has a counterpart, and unless `subset` is True, the other way round.

    Args:
        predictions: Predictions by name.
        others: Counterparts by name.
        kind: Kind of counterpart, for the message: "truth", "hole" or "pair".
        subset: True if predictions may be missing.

    Raises:
        BadInput: Names some files without counterpart.
    """
    unmatched = [name for name in predictions if name not in others]
    if unmatched:
        raise BadInput(
            f"{len(unmatched)} of {len(predictions)} predictions have no {kind} of the same name: {_some(unmatched)}. "
            f"Found {_some(list(others))}. If names differ in a part, give a path with {PLACEHOLDER}, such as "
            f"out/{PLACEHOLDER}_a.png."
        )
    unused = [name for name in others if name not in predictions]
    if unused and not subset:
        raise BadInput(
            f"{len(unused)} of {len(others)} {kind}s have no prediction of the same name: {_some(unused)}. Missing "
            "predictions change every mean: add them, or give --subset to evaluate the others; the table then says so."
        )


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(repr, names[:MAX_LISTED])) + rest
