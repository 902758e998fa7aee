"""Installs a plugin for one test."""

import os
import sys
from pathlib import Path

import pytest


def install(name: str, source: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Install a plugin of one module, ``bench_NAME``, for this process and its children."""
    information = folder / f"bench_{name}-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-{name}\nVersion: 0\n")
    (information / "entry_points.txt").write_text(f"[bench]\n{name} = bench_{name}\n")
    (folder / f"bench_{name}.py").write_text(source)
    patch.syspath_prepend(folder)
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
