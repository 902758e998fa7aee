"""State dicts in a checkpoint: weights, averages of them, other networks, optimiser states."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

Place = tuple[Any, ...]
"""Keys that lead to a state dict in a file; empty if the file is the state dict itself."""


def find(content: Mapping[Any, Any], place: Place = ()) -> dict[Place, Mapping[Any, Any]]:
    """Return all mappings in a checkpoint that hold tensors themselves."""
    found = {place: content} if any(isinstance(value, Tensor) for value in content.values()) else {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            found |= find(value, (*place, key))
    return found


def name(place: Place) -> str:
    return ".".join(map(str, place))


def others(content: Mapping[Any, Any], place: Place) -> dict[str, int]:
    """Return the number of tensors in each part of a checkpoint beside a state dict, by the part's name."""
    found = {}
    for depth, taken in enumerate(place):
        counts = {name((*place[:depth], key)): _count(value) for key, value in content.items() if key != taken}
        found |= {part: count for part, count in counts.items() if count}
        content = content[taken]
    return found


def _count(value: Any) -> int:
    if isinstance(value, Mapping | list | tuple):
        return sum(map(_count, value.values() if isinstance(value, Mapping) else value))
    return int(isinstance(value, Tensor))
