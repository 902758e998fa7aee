"""Readers of published checkpoints. The format is detected from the content, and no code in a file is ever run."""

import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.serialization import safe_globals

from bench_core.errors import BadInput
from bench_core.system import files
from bench_core.weights import tensorflow

READABLE = "PyTorch's .pth, .pt and .ckpt of plain tensors, .safetensors, and TensorFlow's .index with its .data files"
SETTINGS = re.compile(
    r"(argparse|omegaconf|pytorch_lightning|lightning|lightning_fabric|typing|enum|pathlib)\..*|builtins\.(dict|list|int|str)"
)
"""Names of what training programs store beside weights, and of what it consists of."""
HOW_TO_CONVERT = "docs/official-weights.md shows how to extract the tensors"


@dataclass(frozen=True)
class CheckpointFile:
    """Content of a published checkpoint."""

    path: Path
    content: Mapping[str, Any]
    """Tensors by name, or other saved values, such as several mappings of tensors."""
    sha256: Mapping[str, str]
    """SHA-256 of each file, by file name."""


def read(path: Path) -> CheckpointFile:
    """Read a file of weights, or all files of a TensorFlow checkpoint.

    Raises:
        BadInput: the file holds no weights, is damaged, or contains code that reading it would run.
    """
    prefix = tensorflow.find(path)
    parts = tensorflow.parts(prefix) if prefix else [path]
    content = tensorflow.read(prefix) if prefix else _read_file(path)
    if not isinstance(content, Mapping):
        raise BadInput(f"{path} holds one {type(content).__name__} instead of named tensors.")
    return CheckpointFile(path, content, {part.name: files.sha256(part) for part in parts})


def _read_file(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error
    if not start:
        raise BadInput(f"{path} is empty.")
    if start.lstrip()[:1] == b"<":
        raise BadInput(
            f"{path} is a web page, not weights. The download link may have led to a page with the real link."
        )
    if start.startswith(b"version https://git-lfs"):
        raise BadInput(f"{path} is a Git LFS pointer, not weights. Run `git lfs pull` to fetch the file.")
    if start[8:10] == b'{"':
        return _read_safetensors(path)
    if start.startswith(b"PK"):
        _check_archive(path)
    elif not start.startswith(b"\x80"):
        raise BadInput(f"{path} is no file of weights that can be read. Supported: {READABLE}.")
    return _read_pickle(path)


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise BadInput(f"{path} is damaged or truncated ({error}). Download it again.") from error


def _check_archive(path: Path) -> None:
    """Check that a zip archive is a sound file of PyTorch's tensors."""
    try:
        with zipfile.ZipFile(path) as archive:
            names, broken = archive.namelist(), archive.testzip()  # torch verifies no checksums
    except Exception as error:  # zipfile raises many types for damaged archives
        raise BadInput(f"{path} is damaged or truncated ({error}). Download it again.") from error
    if broken:
        raise BadInput(f"{path} is damaged: the checksum of {broken} is wrong. Download it again.")
    if any(name.endswith("/constants.pkl") for name in names):
        raise BadInput(f"{path} is a TorchScript program, which is code; {HOW_TO_CONVERT}.")
    if not any(name.endswith("/data.pkl") for name in names):
        listed = ", ".join(names[:5])
        raise BadInput(f"{path} is an archive of other files ({listed}). Unpack it and give the file of weights.")


class Settings:
    """Empty stand-in for settings that lie beside the weights, such as a command's options. Making it runs no code."""

    def __new__(cls, *arguments: Any, **named: Any) -> "Settings":
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _read_pickle(path: Path, settings: tuple[tuple[type, str], ...] = ()) -> Any:
    """Read plain tensors. `settings` are the classes seen so far whose objects are read as `Settings`."""
    try:
        with warnings.catch_warnings(action="ignore"), safe_globals(list(settings)):  # warnings are about old formats
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many types, and a malicious file can choose one
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        named = code and (code[1] if "." in code[1] else f"builtins.{code[1]}")
        if named and SETTINGS.fullmatch(named) and (Settings, named) not in settings:
            return _read_pickle(path, (*settings, (Settings, named)))
        if code:
            raise BadInput(
                f"{path} contains code, {code[1]}, that reading it would run, so it is not read. If you trust its "
                f"source: {HOW_TO_CONVERT}."
            ) from error
        raise BadInput(f"{path} is damaged, truncated, or a pickle of something other than tensors.") from error
