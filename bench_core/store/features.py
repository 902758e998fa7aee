"""Features of a set of pictures, kept on disk so that nobody need look through a network twice. No torch here."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from bench_core.errors import damaged
from bench_core.store import checksum


@dataclass(frozen=True)
class Features:
    """One row for every picture, in the order of the pairs."""

    values: np.ndarray
    """float32 (n, d)."""
    hole_ratio: np.ndarray
    """float64 (n,): the fraction of missing pixels of each pair; zero for the ground truth."""
    mask_set_hash: str = ""
    """The sha256 of the holes that were met; nothing for the ground truth."""

    @classmethod
    def read(cls, path: Path) -> "Features | None":
        """Those in a file; None where there is no such file.

        Raises:
            BadInput: the file is damaged, or is not as it was written.
        """
        if not path.exists():
            return None
        checksum.read(path)
        try:
            with safe_open(path, "numpy") as file:
                arrays = {name: file.get_tensor(name) for name in ("values", "hole_ratio")}
                about = json.loads(file.metadata()["about"])
                return cls(**arrays, mask_set_hash=about["mask_set_hash"])
        except Exception as error:  # the library raises errors of its own kind
            raise damaged(path, error) from error

    def write(self, path: Path) -> None:
        arrays = {"values": np.ascontiguousarray(self.values, np.float32), "hole_ratio": self.hole_ratio}
        about = json.dumps({"mask_set_hash": self.mask_set_hash, checksum.KEY: checksum.BLANK})
        # one entry, since safetensors writes several in no fixed order, and equal features must make equal files
        checksum.write(path, save(arrays, {"about": about}))
