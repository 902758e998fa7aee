"""Mask sets made drawable: a family, checked parameters, and a hole for every key."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from bench_core import seeds
from bench_core.errors import BadInput, unknown
from bench_core.protocol import MaskSet
from bench_core.specs import MaskFamily, resolve


@dataclass(frozen=True)
class Holes:
    """The holes of one mask set."""

    name: str
    family: MaskFamily
    parameters: Mapping[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """What the holes depend on. The set's name is not part of it."""
        return {"family": self.family.name, **self.parameters}

    def draw(self, size: int, *key: Any) -> np.ndarray:
        """The hole that belongs to a key: uint8 (size, size), 1 = missing.

        It depends on the set's identity, the size and the key alone.

        Raises:
            BadInput: the family's function returned something that is no hole of this size.
        """
        rng = seeds.generator(self.identity, size, *key)
        hole = resolve(self.family.draw)(rng, size, size, **self.parameters)
        if hole.shape != (size, size) or hole.dtype != np.uint8 or hole.max(initial=0) > 1:
            raise BadInput(
                f"The mask family {self.family.name!r} drew {hole.dtype} {hole.shape} with values up to "
                f"{hole.max(initial=0)}; a hole is uint8 ({size}, {size}) of 0 and 1."
            )
        return hole


def open_sets(sets: Mapping[str, MaskSet], families: Mapping[str, MaskFamily]) -> dict[str, Holes]:
    """Check every mask set against its family and fill in the defaults.

    Raises:
        BadInput: a family or parameter is unknown, or a required parameter is not given.
    """
    return {name: _open(name, given, families) for name, given in sets.items()}


def _open(name: str, given: MaskSet, families: Mapping[str, MaskFamily]) -> Holes:
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
    return Holes(name, family, parameters)


def _alike(value: Any, default: Any) -> bool:
    if isinstance(default, bool | str):
        return isinstance(value, type(default))
    if isinstance(default, tuple):
        alike = isinstance(value, list | tuple) and len(value) == len(default)
        return alike and all(_alike(part, default[0]) for part in value) and list(value) == sorted(value)
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf
