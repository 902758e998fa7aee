"""Tensors of published files that a layout may mean: the state dicts of one file, or those of several joined."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench_core.errors import unknown
from bench_core.specs import Checkpoint
from bench_core.weights import state_dicts
from bench_core.weights.readers import CheckpointFile
from bench_core.weights.state_dicts import Place

PREFIX = "module."
"""Prefix that `torch.nn.DataParallel` adds to every name."""


def content(
    layout: Checkpoint, published: Sequence[CheckpointFile], key: str | None
) -> tuple[Mapping[str, Any], str | None]:
    """Return what to match with a layout, and the key of the state dict in it. The state dicts of parts are joined."""
    if not layout.parts:
        return published[0].content, key
    joined = {}
    for part, file in zip(layout.parts, published, strict=True):
        tensors = next(iter(candidates(layout, file.content, key).values()))
        joined |= {f"{part}.{name}": value for name, value in without_prefix(tensors, set()).items()}
    return joined, None


def candidates(layout: Checkpoint, content: Mapping[str, Any], key: str | None) -> dict[Place, Mapping[Any, Any]]:
    """Return the state dict at the layout's key and all others of the file, or the one that `key` names."""
    found = state_dicts.find(content)
    if key is not None:
        named = {state_dicts.name(place): place for place in found if place}
        if key not in named:
            raise unknown("state dict of the file", key, named)
        return {named[key]: found[named[key]]}
    inside = content.get(layout.state_dict_key)
    own = {(layout.state_dict_key,): inside} if isinstance(inside, Mapping) else {(): content}
    return own | found


def without_prefix(tensors: Mapping[Any, Any], wanted: set[str]) -> dict[str, Any]:
    """Remove the prefix if every name has it and the layout's own names do not."""
    found = {str(name): value for name, value in tensors.items()}
    if all(name.startswith(PREFIX) for name in found) and not any(name.startswith(PREFIX) for name in wanted):
        return {name.removeprefix(PREFIX): value for name, value in found.items()}
    return found
