"""Seeds and digests that depend only on what they are for, never on the order of calls."""

import hashlib
import json
from typing import Any

import numpy as np


def seed_of(*parts: Any) -> int:
    """Return a 63-bit seed for JSON values. It is the same on every machine."""
    return int.from_bytes(hashlib.sha256(_canonical_json(parts).encode()).digest()[:8], "big") >> 1


def generator(*parts: Any) -> np.random.Generator:
    """Return a numpy generator seeded by `seed_of`."""
    return np.random.default_rng(seed_of(*parts))


def digest(value: Any) -> str:
    """Return the SHA-256, in hex, of a value as canonical JSON."""
    return hashlib.sha256(_canonical_json(value).encode()).hexdigest()


def _canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
