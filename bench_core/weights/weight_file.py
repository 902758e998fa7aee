"""Trained weights on disk: the generator's tensors, with what it takes to build it again."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from bench_core.errors import BadInput
from bench_core.system import files


def save_weights(path: Path, method: nn.Module, facts: dict[str, Any]) -> None:
    """The generator's tensors as safetensors, with what it takes to build it again."""
    state = {key: value.contiguous() for key, value in method.state_dict().items() if key.startswith("generator.")}
    # one entry, since safetensors writes several in no fixed order, and equal weights must make equal files
    files.write(path, lambda temporary: save_file(state, temporary, {"inpaint-bench": json.dumps(facts)}))


def weights_facts(path: Path) -> dict[str, Any]:
    """What `save_weights` was told.

    Raises:
        BadInput: the file is none of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return dict(json.loads((file.metadata() or {})["inpaint-bench"]))
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path} is no file of weights that `bench run` has written ({error}).") from error


def load_weights(path: Path, method: nn.Module) -> None:
    """Load `save_weights`'s tensors into a method of the same build, strictly.

    Raises:
        BadInput: names or shapes differ; the first differences are named.
    """
    weights_facts(path)
    wanted = {key: value for key, value in method.state_dict().items() if key.startswith("generator.")}
    with safe_open(path, framework="pt") as file:
        found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    wrong = [key for key in sorted(wanted.keys() | found.keys()) if _shape(wanted, key) != _shape(found, key)]
    if wrong:
        listed = "; ".join(f"{key}: {_shape(found, key)} instead of {_shape(wanted, key)}" for key in wrong[:3])
        raise BadInput(f"{path} does not fit this network in {len(wrong)} tensors: {listed}.")
    method.load_state_dict(found, strict=False)


def _shape(tensors: dict[str, torch.Tensor], key: str) -> str:
    return str(tuple(tensors[key].shape)) if key in tensors else "nothing"
