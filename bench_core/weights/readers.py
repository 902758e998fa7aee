"""Files of weights that others wrote: known by their content, and read without running any code in them."""

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

from bench_core.errors import BadInput
from bench_core.system import files
from bench_core.weights import tensorflow

READABLE = "PyTorch's .pth, .pt and .ckpt of plain tensors, .safetensors, and TensorFlow's .index with its .data files"
HOW_TO_CONVERT = "docs/official-weights.md shows how to keep the tensors alone"


@dataclass(frozen=True)
class CheckpointFile:
    """What somebody else's file holds."""

    path: Path
    content: Mapping[str, Any]
    """Tensors by name, or whatever else was saved, such as several such mappings by name."""
    sha256: Mapping[str, str]
    """The digest of each file that was read, by its name."""


def read(path: Path) -> CheckpointFile:
    """Read a file, or all files of a TensorFlow checkpoint.

    Raises:
        BadInput: it is no file of weights, is damaged, or names code that reading it would run.
    """
    prefix = tensorflow.find(path)
    parts = tensorflow.parts(prefix) if prefix else [path]
    content = tensorflow.read(prefix) if prefix else _read_file(path)
    if not isinstance(content, Mapping):
        raise BadInput(f"{path} holds one {type(content).__name__}, where tensors with names were expected.")
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
        raise BadInput(f"{path} is a web page, not weights: a download link may lead to a page with the real link.")
    if start.startswith(b"version https://git-lfs"):
        raise BadInput(f"{path} is a pointer of Git LFS, not weights; `git lfs pull` fetches what it stands for.")
    if start[8:10] == b'{"':
        return _read_safetensors(path)
    if start.startswith(b"PK"):
        _check_archive(path)
    elif not start.startswith(b"\x80"):
        raise BadInput(f"{path} is no file of weights that can be read; those are {READABLE}.")
    return _read_pickle(path)


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        return load_file(path)
    except (SafetensorError, ValueError) as error:
        raise BadInput(f"{path} is damaged or cut short ({error}); fetch it again.") from error


def _check_archive(path: Path) -> None:
    """PyTorch's files are zip archives of a known inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names, broken = archive.namelist(), archive.testzip()  # torch itself looks at no checksum
    except Exception as error:  # damaged archives raise errors of many kinds
        raise BadInput(f"{path} is damaged or cut short ({error}); fetch it again.") from error
    if broken:
        raise BadInput(f"{path} is damaged: the checksum of {broken} is wrong; fetch it again.")
    if any(name.endswith("/constants.pkl") for name in names):
        raise BadInput(f"{path} is a TorchScript program, which is code; {HOW_TO_CONVERT}.")
    if not any(name.endswith("/data.pkl") for name in names):
        listed = ", ".join(names[:5])
        raise BadInput(f"{path} is an archive of other files ({listed}); unpack it and give the file of weights.")


def _read_pickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings(action="ignore"):  # of old formats that may hold what cannot be read
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many types, and whatever a stranger's file makes it raise
        code = re.search(r"GLOBAL ([\w.]+)", str(error))
        if code:
            raise BadInput(
                f"{path} names code, {code[1]}, that reading it would run, so it is not read. If you trust whoever "
                f"made it: {HOW_TO_CONVERT}."
            ) from error
        raise BadInput(f"{path} is damaged, cut short, or a pickle of other things than tensors.") from error
