"""What a training tells while it runs."""

import json
from pathlib import Path

from lightning_fabric import Fabric
from torch import Tensor

from bench_core import files


class Log:
    """Loss terms over the steps, as lines of JSON and to the user's tracker."""

    def __init__(self, path: Path, fabric: Fabric) -> None:
        self.path, self.fabric = path, fabric
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
        self.fabric.log_dict(self.latest, step)
