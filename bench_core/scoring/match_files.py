"""Finding the files that belong together: pictures, truths and holes of the same names."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench_core.errors import BadInput
from bench_core.masks.mask_images import SUFFIXES

MAX_LISTED = 5
PLACE = "{name}"


def find(where: str) -> dict[str, Path]:
    """Picture files by their names: all below a folder, or those that fit a path with ``{name}`` in it.

    A name is the path below the folder without its suffix, or what stands in the place of ``{name}``.

    Raises:
        BadInput: there is no such folder, no such file, or two files have the same name.
    """
    found = _fitting(where) if PLACE in where else _below(Path(where).expanduser())
    named: dict[str, Path] = {}
    for name, path in found:
        if name in named:
            raise BadInput(f"{named[name]} and {path} have the same name, {name!r}: keep one of them.")
        named[name] = path
    if not named:
        raise BadInput(f"{where} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    return dict(sorted(named.items()))


def _below(folder: Path) -> Iterable[tuple[str, Path]]:
    if not folder.is_dir():
        raise BadInput(f"There is no folder {folder}. Give a folder, or a path with {PLACE} such as out/{PLACE}_a.png.")
    pictures = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES)
    return [(path.relative_to(folder).with_suffix("").as_posix(), path) for path in pictures]


def _fitting(where: str) -> Iterable[tuple[str, Path]]:
    path = Path(where).expanduser()
    if where.count(PLACE) > 1 or PLACE not in path.name:
        raise BadInput(f"{where}: {PLACE} must stand once, in the file's name and not in its folder's.")
    if not path.parent.is_dir():
        raise BadInput(f"There is no folder {path.parent}.")
    before, after = (re.escape(part) for part in path.name.split(PLACE))
    fits = ((re.fullmatch(f"{before}(.+){after}", file.name), file) for file in sorted(path.parent.iterdir()))
    return [(match[1], file) for match, file in fits if match]


def same_names(pictures: Mapping[str, Path], others: Mapping[str, Path], kind: str, subset: bool) -> None:
    """Make sure that every picture has its counterpart and, unless a subset is wanted, the other way round.

    Raises:
        BadInput: names some that have none.
    """
    lacking = [name for name in pictures if name not in others]
    if lacking:
        raise BadInput(
            f"{len(lacking)} of {len(pictures)} pictures have no {kind} of the same name: {_some(lacking)}. There are "
            f"{_some(list(others))}. Where names differ in a part, give a path with {PLACE}, such as out/{PLACE}_a.png."
        )
    unused = [name for name in others if name not in pictures]
    if unused and not subset:
        raise BadInput(
            f"{len(unused)} of {len(others)} {kind}s have no picture of the same name: {_some(unused)}. Leaving some "
            "out changes every mean: add them, or judge those that are there by --subset, and the table says so."
        )


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(repr, names[:MAX_LISTED])) + rest
