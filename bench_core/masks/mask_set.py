"""Draw the holes of a mask set: a mask family with validated parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from bench_core import seeds
from bench_core.errors import BadInput, unknown
from bench_core.protocol import MaskSpec
from bench_core.specs import MaskFamily, resolve


@dataclass(frozen=True)
class MaskSet:
    """Mask family with parameters, from which holes are drawn."""

    name: str
    family: MaskFamily
    parameters: Mapping[str, Any]

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Family and parameters, on which the holes depend. The set's name is not included."""
        content = resolve(self.family.content)(**self.parameters) if self.family.content else {}
        return {"family": self.family.name, **self.parameters, **content}

    def draw(self, size: int, *key: Any) -> np.ndarray:
        """Draw the hole of a key: uint8 (size, size), 1 = missing.

        The hole depends on `identity`, size and key alone. If the family is numbered, it depends on the last part of
        the key alone, the pair's number.

        Raises:
            BadInput: the family's function fails, or its result is not a hole of this size.
        """
        if self.family.numbered:
            source = key[-1] if key and isinstance(key[-1], int) else 0
        else:
            source = seeds.generator(self.identity, size, *key)
        try:
            hole = resolve(self.family.draw)(source, size, size, **self.parameters)
        except (ArithmeticError, TypeError, OSError) as error:
            raise BadInput(f"The mask set {self.name!r} cannot be drawn: {error}.") from error
        if hole.shape != (size, size) or hole.dtype != np.uint8 or hole.max(initial=0) > 1:
            raise BadInput(
                f"The mask family {self.family.name!r} drew {hole.dtype} {hole.shape} with values up to "
                f"{hole.max(initial=0)}; a hole is uint8 ({size}, {size}) of 0 and 1."
            )
        return hole


def open_sets(sets: Mapping[str, MaskSpec], families: Mapping[str, MaskFamily]) -> dict[str, MaskSet]:
    """Validate every mask set against its family and fill in defaults.

    Raises:
        BadInput: a family or parameter is unknown, a value has the wrong type, or a required parameter is missing.
    """
    return {name: _open(name, spec, families) for name, spec in sets.items()}


def _open(name: str, spec: MaskSpec, families: Mapping[str, MaskFamily]) -> MaskSet:
    if spec.family not in families:
        raise unknown("mask family", spec.family, families)
    family = families[spec.family]
    for key in spec.parameters:
        if key not in family.parameters:
            raise unknown(f"parameter of the mask family {family.name!r}", key, family.parameters)
    parameters = {**family.parameters, **spec.parameters}
    for key, value in parameters.items():
        default = family.parameters[key]
        if value is ...:
            raise BadInput(f"The mask set {name!r} of the family {family.name!r} needs {key!r}.")
        if default is not ... and not _same_type(value, default):
            raise BadInput(f"In the mask set {name!r}, {key} = {value!r} is not a value like {default!r}.")
    # Equal parameters must have equal identities, so 128 becomes 128.0 and a list becomes a tuple.
    converted = {key: _convert(value, family.parameters[key]) for key, value in parameters.items()}
    return MaskSet(name, family, converted)


def _convert(value: Any, default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(_convert(part, default[0]) for part in value)
    return float(value) if isinstance(default, float) else value


def _same_type(value: Any, default: Any) -> bool:
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    if isinstance(default, tuple):
        same_length = isinstance(value, list | tuple) and len(value) == len(default)
        return same_length and all(_same_type(part, default[0]) for part in value) and list(value) == sorted(value)
    return isinstance(value, int | type(default)) and not isinstance(value, bool) and 0 <= value < inf
