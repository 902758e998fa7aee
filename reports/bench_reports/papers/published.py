"""Where the papers' numbers, protocols and tables lie: beside this package in a checkout, inside it once installed."""

from pathlib import Path

from bench_core.specs import NamedFile

_HERE = Path(__file__).parents[1]
FOLDER = next(folder for folder in (_HERE / "published", _HERE.parent / "published") if folder.is_dir())


def in_folder(name: str) -> list[NamedFile]:
    """The TOML files of one of the folders, by their stems."""
    return [NamedFile(path.stem, path) for path in sorted((FOLDER / name).glob("*.toml"))]
