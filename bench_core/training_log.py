"""What a training tells while it runs."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from bench_core import files


class Log:
    """Loss terms over the steps, as lines of JSON and to whoever else wants to be told."""

    def __init__(self, path: Path, tell: Callable[[int, Mapping[str, float]], None]) -> None:
        self.path, self.tell = path, tell
        self.latest: dict[str, float] = {}

    def begin(self, start: int) -> None:
        """Go on before a step. An interrupted training repeats the steps since its last checkpoint."""
        before = self.path.read_text().splitlines(keepends=True) if start and self.path.exists() else []
        kept = [line for line in before if line.endswith("\n") and json.loads(line)["step"] < start]
        files.write_bytes(self.path, "".join(kept).encode())

    def note(self, step: int, values: dict[str, Tensor]) -> None:
        self.latest = {name: value.item() for name, value in values.items()}
        with files.refusals(self.path), self.path.open("a") as file:
            file.write(json.dumps({"step": step, **self.latest}) + "\n")
        self.tell(step, self.latest)


def curve_points(mask_set: str, means: Mapping[str, float]) -> dict[str, float]:
    """A point of the curves, under the names that trackers are told."""
    return {f"curves/{mask_set}/{metric}": mean for metric, mean in means.items()}


def told_before(folder: Path) -> dict[str, int]:
    """For every name that an earlier attempt on a cell has told, its last step."""
    points = [(line["step"], line) for line in _lines(folder / "training.jsonl")]
    curves = _lines(folder / "curves.jsonl")
    points += [(line["step"], curve_points(line["mask_set"], line["values"])) for line in curves]
    return {name: step for step, values in points for name in values}


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    yield from (json.loads(line) for line in lines if line.endswith("\n"))
