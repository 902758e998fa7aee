"""A process of its own that does one step of some work each time it is asked: its memory and allocator are its own."""

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
from bench_perf.agreement import plain
from bench_perf.memory import Memory
from bench_perf.records import Runner
from bench_perf.timing import settle

ANSWER_TIMEOUT = 10.0
"""Seconds that a process is given to end."""


class Failed(RuntimeError):
    """The work raised an error, which the message names."""


@runtime_checkable
class Work(Protocol):
    """Something that goes on without end."""

    @property
    def device(self) -> str: ...

    def __call__(self, advance: Callable[..., None]) -> None:
        """Call `advance()` before the first step and `advance(output)` after every step, until it raises."""
        ...


def apart(work: Work, threads: int, cleanup: ExitStack, keeps_memory: bool = True) -> Runner:
    """The work's steps in a process of their own, which has so many threads and ends with the stack.

    Args:
        keeps_memory: False leaves the process the system's allocator as it comes, whatever this one's does.
    """
    stepper = Stepper(work, threads, keeps_memory)
    cleanup.callback(stepper.close)
    return Runner(stepper.step, stepper.flops, stepper.peak, stepper.output)


class Stepper:
    """The parent's side. Every request is answered, or the error that ended the work is raised."""

    def __init__(self, work: Work, threads: int, keeps_memory: bool) -> None:
        context = get_context("spawn")  # a forked child would share our memory, and cannot use CUDA
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, threads), daemon=True)
        with _environment(without=() if keeps_memory else (MMAP_THRESHOLD, TRIM_THRESHOLD)):
            self._process.start()
        theirs.close()

    def step(self) -> None:
        self._ask("step")

    def flops(self) -> float:
        """Those of one more step, forwards and backwards."""
        return self._ask("count")

    def peak(self) -> float | None:
        """The most memory that the steps have held, in MiB, beyond what was held before the first."""
        return self._ask("peak")

    def output(self) -> Any:
        """What the last step gave."""
        return self._ask("output")

    def close(self) -> None:
        self._connection.close()
        self._process.join(ANSWER_TIMEOUT)
        self._process.kill()

    def _ask(self, request: str) -> Any:
        try:
            self._connection.send(request)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise Failed("its process ended without a word; was it killed for its memory?") from error
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextmanager
def _environment(without: tuple[str, ...]) -> Iterator[None]:
    """What a process that is started inside does not inherit."""
    before = {name: os.environ.pop(name) for name in without if name in os.environ}
    try:
        yield
    finally:
        os.environ |= before


def _serve(connection: Connection, work: Work, threads: int) -> None:
    """The child's side: steps until the parent hangs up."""
    torch.set_num_threads(threads)
    gate = StepBarrier(connection, open_fabric(work.device).device)
    try:
        work(gate)
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception as error:
        told = error if isinstance(error, BadInput) else Failed(f"{type(error).__name__}: {error}")
        if not gate.stepping:  # nothing has been asked yet
            connection.recv()
        connection.send(told)


@dataclass
class StepBarrier:
    """Stands between two steps: answers for the last one, and holds back the next until it is asked for."""

    connection: Connection
    device: torch.device
    stepping: bool = False
    """Whether a step was asked for and its answer is due."""
    _memory: Memory | None = None
    _counter: FlopCounterMode | None = None

    def __call__(self, output: Any = None) -> None:
        settle(self.device)
        if self.stepping:
            self.connection.send(self._count_ended())
        self._memory = self._memory or Memory(self.device)
        while (request := self.connection.recv()) in ("peak", "output"):
            self.connection.send(self._memory.peak() if request == "peak" else plain(output))
        self.stepping = True
        if request == "count":
            self._counter = FlopCounterMode(display=False)
            self._counter.__enter__()

    def _count_ended(self) -> float | None:
        """What was counted in the last step, if it was."""
        if self._counter is None:
            return None
        counter, self._counter = self._counter, None
        counter.__exit__(None, None, None)
        return float(counter.get_total_flops())
