"""What a training tells while it runs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from bench_core.system import files


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
        with files.translate_os_errors(self.path), self.path.open("a") as file:
            file.write(json.dumps({"step": step, **self.latest}) + "\n")
        self.tell(step, self.latest)


def curve_points(mask_set: str, means: Mapping[str, float]) -> dict[str, float]:
    """A point of the curves, under the names that trackers show."""
    return {f"curves/{mask_set}/{metric}": mean for metric, mean in means.items()}
