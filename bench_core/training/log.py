"""The log of a training: loss terms over the steps."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from bench_core.store.lock import require_lock
from bench_core.system import files


class Log:
    """Lines of JSON, one for every logged step, that a tracker can follow."""

    def __init__(self, path: Path, on_log: Callable[[int, Mapping[str, float]], None]) -> None:
        self.path, self.on_log = path, on_log
        self.latest: dict[str, float] = {}

    def begin(self, start: int) -> None:
        """Drop the lines from step `start` on: a resumed training repeats the steps since its last checkpoint."""
        require_lock(self.path.parent)
        before = self.path.read_text().splitlines(keepends=True) if start and self.path.exists() else []
        kept = [line for line in before if line.endswith("\n") and json.loads(line)["step"] < start]
        files.write_bytes(self.path, "".join(kept).encode())

    def note(self, step: int, values: Mapping[str, Tensor]) -> None:
        """Append the loss terms of one step."""
        require_lock(self.path.parent)
        found = torch.stack([value.float() for value in values.values()]).tolist() if values else []
        self.latest = dict(zip(values, found, strict=True))
        with files.translate_os_errors(self.path), self.path.open("a") as file:
            file.write(json.dumps({"step": step, **self.latest}) + "\n")
        self.on_log(step, self.latest)


def curve_points(mask_set: str, means: Mapping[str, float]) -> dict[str, float]:
    """Name the means of one mask set as trackers show them: ``curves/MASK_SET/METRIC``."""
    return {f"curves/{mask_set}/{metric}": mean for metric, mean in means.items()}
