"""Exports the test images and masks of a protocol as PNG, for programs that are not plugins."""

import csv
import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

from bench_core.data.pairs import to_floats
from bench_core.errors import BadInput
from bench_core.evaluation.examples import save_png
from bench_core.scoring.pairs_source import EvaluationSet, file_name
from bench_core.system import files
from bench_core.system.progress import progress_bar

KINDS = ("image", "hole", "masked")
BEGUN = ".export.json"
"""File that says which pairs a folder is for, written first."""


def export(evaluation_set: EvaluationSet, folder: Path) -> None:
    """Write FOLDER/MASK_SET/{image,hole,masked}/NUMBER.png and their list, FOLDER/pairs.csv. White = missing.

    A folder that an interrupted export of the same pairs began is completed.

    Raises:
        BadInput: The folder holds anything else.
    """
    pairs_id = {name: evaluation_set.evaluation_id(name) for name in evaluation_set.pairs}
    files.require_writable_folder(folder)
    files.remove_temporary_files(folder)
    if any(folder.iterdir()) and _begun(folder) != pairs_id:
        raise BadInput(f"{folder} is not empty; give a new folder, so that no images are mixed.")
    files.write_json(folder / BEGUN, pairs_id)
    listed: list[tuple[Any, ...]] = [("mask_set", "file", "name", "hole_ratio")]
    for mask_set, pairs in evaluation_set.pairs.items():
        with progress_bar(f"writing {mask_set}", len(pairs)) as update:
            for index in range(len(pairs)):
                pair = pairs[index]
                paths = [folder / mask_set / kind / f"{file_name(index)}.png" for kind in KINDS]
                for path, pixels in zip(paths, to_floats(pair), strict=True):
                    if not path.exists():
                        save_png(path, pixels)
                listed.append((mask_set, file_name(index), pairs.name(index), float(pair["hole"].float().mean())))
                update(index + 1, "")
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(listed)
    files.write_bytes(folder / "pairs.csv", text.getvalue().encode())


def _begun(folder: Path) -> Any:
    with suppress(OSError, ValueError):
        return json.loads((folder / BEGUN).read_text(encoding="utf-8"))
