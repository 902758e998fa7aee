"""Mask sets made drawable: a family, checked parameters, and a hole for every key."""

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
    """The holes of one mask set."""

    name: str
    family: MaskFamily
    parameters: Mapping[str, Any]

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the holes depend on. The set's name is not part of it."""
        content = resolve(self.family.content)(**self.parameters) if self.family.content else {}
        return {"family": self.family.name, **self.parameters, **content}

    def draw(self, size: int, *key: Any) -> np.ndarray:
        """The hole that belongs to a key: uint8 (size, size), 1 = missing.

        It depends on the set's identity, the size and the key alone; where the family is numbered, on the number alone
        by which the key ends.

        Raises:
            BadInput: the family's function fails, or returned something that is no hole of this size.
        """
        source = _number(key) if self.family.numbered else seeds.generator(self.identity, size, *key)
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
    """Check every mask set against its family and fill in the defaults.

    Raises:
        BadInput: a family or parameter is unknown, or a required parameter is not given.
    """
    return {name: _open(name, given, families) for name, given in sets.items()}


def _open(name: str, given: MaskSpec, families: Mapping[str, MaskFamily]) -> MaskSet:
    if given.family not in families:
        raise unknown("mask family", given.family, families)
    family = families[given.family]
    for key in given.parameters:
        if key not in family.parameters:
            raise unknown(f"parameter of the mask family {family.name!r}", key, family.parameters)
    parameters = {**family.parameters, **given.parameters}
    for key, value in parameters.items():
        default = family.parameters[key]
        if value is ...:
            raise BadInput(f"The mask set {name!r} of the family {family.name!r} needs {key!r}.")
        if default is not ... and not _alike(value, default):
            raise BadInput(f"In the mask set {name!r}, {key} = {value!r} is no value like {default!r}.")
    written_alike = {key: _written_as(family.parameters[key], value) for key, value in parameters.items()}
    return MaskSet(name, family, written_alike)


def _number(key: tuple) -> int:
    """The pair's number, by which keys end."""
    return key[-1] if key and isinstance(key[-1], int) else 0


def _written_as(default: Any, value: Any) -> Any:
    """128 as 128.0 where the default is 128.0, and a list as a tuple: equal parameters must draw equal holes."""
    if isinstance(default, tuple):
        return tuple(_written_as(default[0], part) for part in value)
    return float(value) if isinstance(default, float) else value


def _alike(value: Any, default: Any) -> bool:
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    if isinstance(default, tuple):
        alike = isinstance(value, list | tuple) and len(value) == len(default)
        return alike and all(_alike(part, default[0]) for part in value) and list(value) == sorted(value)
    return isinstance(value, int | type(default)) and not isinstance(value, bool) and 0 <= value < inf
