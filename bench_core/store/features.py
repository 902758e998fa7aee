"""Network features of a set of images, stored so that they are computed once. No torch here."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from bench_core.errors import damaged, other_version
from bench_core.store import checksum


@dataclass(frozen=True)
class Features:
    """One feature vector for each image, in the order of the pairs."""

    values: np.ndarray
    """float32 (n, d)."""
    hole_ratio: np.ndarray
    """float64 (n,): fraction of missing pixels of each pair; 0 for the ground truth."""
    mask_set_hash: str = ""
    """SHA-256 of the holes; empty for the ground truth."""

    @classmethod
    def read(cls, path: Path) -> "Features | None":
        """Read a file of features; None if it does not exist.

        Raises:
            BadInput: the file is damaged.
        """
        if not path.exists():
            return None
        checksum.read(path)
        try:
            with safe_open(path, "numpy") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
                about = json.loads((file.metadata() or {}).get("about", "{}"))
        except Exception as error:  # safetensors raises errors of its own
            raise damaged(path, error) from error
        if odd := {*arrays, *about} ^ {"values", "hole_ratio", "mask_set_hash", checksum.KEY}:
            raise other_version(path, f"its entries differ in {', '.join(sorted(odd))}")
        return cls(**arrays, mask_set_hash=about["mask_set_hash"])

    def write(self, path: Path) -> None:
        """Write the file atomically. Raises WriteError."""
        arrays = {"values": np.ascontiguousarray(self.values, np.float32), "hole_ratio": self.hole_ratio}
        about = json.dumps({"mask_set_hash": self.mask_set_hash, checksum.KEY: checksum.BLANK})
        # one entry: safetensors writes several in random order, but equal features must give equal files
        checksum.write(path, save(arrays, {"about": about}))
