"""Interrupted trainings on disk."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import torch

from bench_core.errors import damaged
from bench_core.system import files


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Everything an interrupted training needs to go on: tensors, numbers and containers of them."""
    files.write(path, lambda temporary: torch.save(state, temporary))


def load_state(path: Path) -> dict[str, Any] | None:
    """The state to go on from, on the CPU; None if there is none. No code in the file is run.

    Raises:
        BadInput: the file is damaged. Without it, the training begins anew.
    """
    if not path.exists():
        return None
    try:
        with ZipFile(path) as archive:  # torch itself looks at no checksum
            broken = archive.testzip()
        if broken:
            raise ValueError(f"wrong checksum of {broken}")
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damage makes torch raise errors of many kinds
        raise damaged(path, str(error).partition("\n")[0]) from error
