"""A process of its own that takes a training step each time it is asked, so that its memory is told apart."""

from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench_core.devices import open_fabric
from bench_core.errors import BadInput
from bench_core.performance.memory import Memory
from bench_core.performance.steps import Steps
from bench_core.performance.timing import settle

PATIENCE = 10.0
"""Seconds that a process is given to end."""


class Stepper:
    """The parent's side. Every request is answered by a number, or None, or the error that ended the steps."""

    def __init__(self, steps: Steps, threads: int) -> None:
        context = get_context("spawn")  # a forked child would share our memory, and cannot use CUDA
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, steps, threads), daemon=True)
        self._process.start()
        theirs.close()

    def step(self) -> None:
        self._ask("step")

    def flops(self) -> float:
        """Those of one more step, forwards and backwards."""
        return self._ask("count")

    def peak(self) -> float | None:
        """The most memory that the steps have held, in MiB."""
        return self._ask("peak")

    def close(self) -> None:
        self._connection.close()
        self._process.join(PATIENCE)
        self._process.kill()

    def _ask(self, request: str) -> Any:
        try:
            self._connection.send(request)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise RuntimeError("its process ended without a word; was it killed for its memory?") from error
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(connection: Connection, steps: Steps, threads: int) -> None:
    """The child's side: steps until the parent hangs up."""
    torch.set_num_threads(threads)
    device = open_fabric(steps.device).device
    gate = Gate(connection, device, Memory(device))
    try:
        steps(gate)
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception as error:
        told = error if isinstance(error, BadInput) else RuntimeError(f"{type(error).__name__}: {error}")
        if not gate.stepping:  # nothing has been asked yet
            connection.recv()
        connection.send(told)


@dataclass
class Gate:
    """Stands between two steps: answers for the last one, and holds back the next until it is asked for."""

    connection: Connection
    device: torch.device
    memory: Memory
    stepping: bool = False
    """Whether a step was asked for and its answer is due."""
    _counter: FlopCounterMode | None = None

    def __call__(self) -> None:
        settle(self.device)
        if self.stepping:
            self.connection.send(self._count_ended())
        request = self.connection.recv()
        while request == "peak":
            self.connection.send(self.memory.peak())
            request = self.connection.recv()
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
