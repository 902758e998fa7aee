"""Trained weights on disk: the generator's tensors as safetensors, with the metadata to build it again."""

import json
import shlex
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from bench_core.errors import BadInput
from bench_core.system import files
from bench_core.weights import readers


def save_weights(path: Path, method: nn.Module, metadata: dict[str, Any]) -> None:
    """Save the generator's tensors atomically, with JSON metadata such as method, scale and options.

    Raises:
        WriteError: the file cannot be written.
    """
    state = {key: value.contiguous() for key, value in method.state_dict().items() if key.startswith("generator.")}
    # one entry: safetensors writes several in random order, but equal weights must give equal files
    files.write(path, lambda temporary: save_file(state, temporary, {"inpaint-bench": json.dumps(metadata)}))


def read_metadata(path: Path, method: str = "METHOD") -> dict[str, Any]:
    """Return the metadata of a file of weights.

    Args:
        path: The file.
        method: Name of the method to import the weights for, if the file is a published checkpoint.

    Raises:
        BadInput: the file was not written by `save_weights`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return dict(json.loads((file.metadata() or {})["inpaint-bench"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        readers.read(path)  # raises what is wrong with other files
        raise BadInput(
            f"{path} is no file of weights written by `bench`, but a published checkpoint. Convert it and give the "
            f"new file:\n  bench weights import {method} {shlex.quote(str(path))}"
        ) from error


def load_weights(path: Path, method: nn.Module) -> None:
    """Load a file of weights into a method's generator, strictly.

    Raises:
        BadInput: the file was not written by `save_weights`, or names or shapes differ. The method is unchanged.
    """
    read_metadata(path)
    expected = {key: value for key, value in method.state_dict().items() if key.startswith("generator.")}
    with safe_open(path, framework="pt") as file:
        found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
    wrong = [key for key in sorted(expected.keys() | found.keys()) if _shape(expected, key) != _shape(found, key)]
    if wrong:
        listed = "; ".join(f"{key}: {_shape(found, key)} instead of {_shape(expected, key)}" for key in wrong[:3])
        raise BadInput(f"{path} does not fit this network in {len(wrong)} tensors: {listed}.")
    method.load_state_dict(found, strict=False)


def _shape(tensors: dict[str, torch.Tensor], key: str) -> str:
    return str(tuple(tensors[key].shape)) if key in tensors else "missing"
