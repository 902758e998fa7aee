"""Run cells as tasks of a Ray cluster, which schedules them and repeats the cells of lost machines."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from bench_core.errors import BadInput
from bench_core.experiment.cell import Cell
from bench_core.experiment.executors.worker import run_cell
from bench_core.store.store import CellStatus, Store

RETRIES = 3
"""Times that Ray repeats a cell whose machine or process is lost. It resumes from the last checkpoint."""
ANSWER_TIMEOUT = 120.0
"""Seconds within which every machine must answer."""


def run(
    cells: Sequence[Cell], address: str | None = None, cell_gpus: float | None = None, cell_cpus: float = 1
) -> Iterator[Cell]:
    """Yield every cell as soon as its task has ended.

    Raises:
        BadInput: there is no cluster at this address, or one of its machines does not see the store.
    """
    import ray
    from ray.exceptions import RayError

    context = replace(cells[0].context, store=Store(cells[0].context.store.root.absolute()))
    with _connected(address):
        _require_shared(context.store.root)
        if cell_gpus is None:
            cell_gpus = 0 if context.runtime.device == "cpu" else min(1, ray.cluster_resources().get("GPU", 0))
        task: Any = ray.remote(num_cpus=cell_cpus, num_gpus=cell_gpus, max_retries=RETRIES)(_run_in)
        shared, here = ray.put(context), os.getcwd()
        running = {task.remote(here, shared, cell.plugin, cell.variant, cell.seed, cell.place): cell for cell in cells}
        while running:
            (ready,), _ = ray.wait(list(running), num_returns=1)
            cell = running.pop(ready)
            try:
                cell.status = ray.get(ready)
            except RayError as error:
                cell.status.state, cell.status.reason = "failed", str(error).strip().rpartition("\n")[2]
            yield cell


def _run_in(folder: str, *cell: Any) -> CellStatus:
    os.chdir(folder)  # paths that the user gave may be relative
    return run_cell(*cell)


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    import ray

    starts = not ray.is_initialized()
    if starts:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray.init(
                address=address or "local", include_dashboard=None if address else False, logging_level=logging.WARNING
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise BadInput(f"There is no Ray cluster at --address {address}: {error}") from error
    try:
        yield
    finally:
        if starts:
            ray.shutdown()


def _require_shared(root: Path) -> None:
    """Check that every machine sees a file that was just written.

    Raises:
        BadInput: a machine does not see it, or does not answer.
    """
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    exists = ray.remote(num_cpus=0, max_retries=0)(os.path.exists)
    with NamedTemporaryFile(dir=root, prefix=".seen-by-all.") as token:
        asked = {
            exists.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
                token.name
            ): node["NodeManagerHostname"]
            for node in ray.nodes()
            if node["Alive"]
        }
        ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_TIMEOUT)
        for answer, name in asked.items():
            try:
                seen = ray.get(answer, timeout=0)
            except RayError as error:
                raise BadInput(f"The machine {name} of the Ray cluster does not answer: {error}") from error
            if not seen:
                raise BadInput(
                    f"The machine {name} of the Ray cluster does not see {root}. Give a folder with --out that all of "
                    "them share, by the same path."
                )
