"""Run each cell in a process of its own on this machine, several at once."""

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext

import torch

from bench_core.experiment.cell import Cell
from bench_core.experiment.executors.cell_process import CellProcess
from bench_core.system.progress import LINE_SECONDS, console

POLL_SECONDS = 1.0
"""Seconds between checks of the clock."""
PRELOADED = ["bench_core.experiment.executors.child", "lightning_fabric", "torch", "torchvision"]


def run(cells: Sequence[Cell], jobs: int | None = None, time_limit: float | None = None) -> Iterator[Cell]:
    """Yield every cell as soon as its process has ended. Processes that still run end with the caller.

    Args:
        jobs: processes at once; by default one for each GPU, each of which sees one GPU.
        time_limit: minutes that a cell may take.
    """
    gpus = _gpus(cells[0].context.runtime.device)
    jobs = jobs or max(1, len(gpus))
    waiting, free, running = list(cells), list(range(jobs)), []
    printed = time.monotonic()
    context = _context()
    try:
        while waiting or running:
            while waiting and free:
                place = free.pop(0)
                pinned = {"CUDA_VISIBLE_DEVICES": gpus[place % len(gpus)]} if gpus else {}
                console.print(waiting[0].title, markup=False, soft_wrap=True)
                running.append(CellProcess(waiting.pop(0), context, place, jobs, pinned, time_limit))
            wait([job.process.sentinel for job in running], POLL_SECONDS)
            for job in [job for job in running if job.has_ended()]:
                running.remove(job)
                free.append(job.place)
                yield job.cell
            if time.monotonic() - printed > LINE_SECONDS:
                printed = time.monotonic()
                for job in running:
                    console.print(job.last_line, markup=False, soft_wrap=True)
    finally:
        for job in running:
            job.end()


def _context() -> ForkServerContext | SpawnContext:
    """Fork from a process that has loaded all modules, so cells start at once. It never computes, so forking is safe."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def _gpus(device: str) -> list[str]:
    """List the values that CUDA_VISIBLE_DEVICES may take."""
    if device not in ("auto", "cuda"):
        return []
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return given.split(",") if given else [str(number) for number in range(torch.cuda.device_count())]
