"""Randomness that depends on what it is for and on nothing else."""

import hashlib
import json
from typing import Any

import numpy as np


def seed_of(*parts: Any) -> int:
    """A 63-bit seed from anything JSON can write: the same on every machine, in any order of calls."""
    return int.from_bytes(hashlib.sha256(_text(parts).encode()).digest()[:8], "big") >> 1


def generator(*parts: Any) -> np.random.Generator:
    """A numpy generator seeded by `seed_of`."""
    return np.random.default_rng(seed_of(*parts))


def digest(value: Any) -> str:
    """The sha256, in hex, of a JSON value written canonically."""
    return hashlib.sha256(_text(value).encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
