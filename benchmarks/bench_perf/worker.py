"""Worker process that takes one step of a loop per request, so that each candidate has its own memory and allocator."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Protocol, runtime_checkable

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench_core.errors import BadInput
from bench_core.system.allocator import MMAP_THRESHOLD, TRIM_THRESHOLD
from bench_core.system.devices import open_fabric
from bench_perf.peak_memory import track_peak_memory
from bench_perf.records import Runner
from bench_perf.timing import synchronize

EXIT_TIMEOUT = 10.0
"""Seconds to wait for a worker to exit before it is killed."""


class WorkerError(RuntimeError):
    """Error in a worker process; the message names the original one."""


@runtime_checkable
class Loop(Protocol):
    """Endless loop of steps."""

    @property
    def device(self) -> str: ...

    def __call__(self, advance: Callable[..., None]) -> None:
        """Call `advance()` before the first step and `advance(output)` after every step, until it raises."""
        ...


def start_worker(loop: Loop, threads: int, cleanup: ExitStack, tuned_malloc: bool = True) -> Runner:
    """Run a loop's steps in a process of its own, which exits with the stack.

    Args:
        threads: number of torch's threads.
        tuned_malloc: False starts the process with the system's default allocator settings.
    """
    worker = Worker(loop, threads, tuned_malloc)
    cleanup.callback(worker.close)
    request = worker.request
    return Runner(
        run=lambda: request("step"),
        count_flops=lambda: request("count"),
        peak_memory=lambda: request("peak"),
        output=lambda: request("output"),
    )


class Worker:
    """Parent's end of a worker process."""

    def __init__(self, loop: Loop, threads: int, tuned_malloc: bool) -> None:
        context = get_context("spawn")  # a forked child would share our memory, and cannot use CUDA
        self._connection, child_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(child_end, loop, threads), daemon=True)
        with _environment_without(() if tuned_malloc else (MMAP_THRESHOLD, TRIM_THRESHOLD)):
            self._process.start()
        child_end.close()

    def request(self, name: str) -> Any:
        """Request ``step``, ``count`` (FLOPs of one more step), ``peak`` (MiB) or ``output`` (of the last step).

        Raises:
            BadInput, WorkerError: the error that ended the loop.
        """
        try:
            self._connection.send(name)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerError("its process exited without a message; did it run out of memory?") from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.join(EXIT_TIMEOUT)
        self._process.kill()


@contextmanager
def _environment_without(names: tuple[str, ...]) -> Iterator[None]:
    """Hide environment variables from processes that start inside."""
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ |= before


def _serve(connection: Connection, loop: Loop, threads: int) -> None:
    """Run the loop in the child until the parent closes the connection."""
    torch.set_num_threads(threads)
    barrier = StepBarrier(connection, open_fabric(loop.device).device)
    try:
        loop(barrier)
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception as error:
        if not barrier.stepping:  # the error is the answer to the parent's first request
            connection.recv()
        connection.send(error if isinstance(error, BadInput) else WorkerError(f"{type(error).__name__}: {error}"))


@dataclass
class StepBarrier:
    """Barrier between two steps: it answers for the last step, and blocks until the parent requests the next."""

    connection: Connection
    device: torch.device
    stepping: bool = False
    """True if a step was requested and its answer is due."""
    _read_peak: Callable[[], float | None] | None = None
    _counter: FlopCounterMode | None = None

    def __call__(self, output: Any = None) -> None:
        synchronize(self.device)
        if self.stepping:
            self.connection.send(self._counted_flops())
        # The first call comes before the first step, so the peak excludes building the method.
        self._read_peak = self._read_peak or track_peak_memory(self.device)
        while (request := self.connection.recv()) in ("peak", "output"):
            self.connection.send(self._read_peak() if request == "peak" else to_array(output))
        self.stepping = True
        if request == "count":
            self._counter = FlopCounterMode(display=False)
            self._counter.__enter__()

    def _counted_flops(self) -> float | None:
        """Stop the counter, and return the FLOPs of the last step; None if they were not counted."""
        if self._counter is None:
            return None
        counter, self._counter = self._counter, None
        counter.__exit__(None, None, None)
        return float(counter.get_total_flops())


def to_array(output: Any) -> Any:
    """Convert a tensor to a float64 array, which other processes can read, and return anything else unchanged."""
    return output.detach().cpu().double().numpy() if isinstance(output, torch.Tensor) else output
