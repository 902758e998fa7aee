"""Time several functions in alternation, so that other load on the machine slows all of them equally."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Any

import numpy as np
import torch

Run = Callable[[], Any]
MIN_ROUNDS, MAX_ROUNDS = 3, 200
"""Bounds on the number of timed rounds, whatever time they take."""


@dataclass(frozen=True)
class Timing:
    """Durations of the timed rounds of one run, in seconds and in order."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.quantile(self.samples, 0.5))

    @property
    def lower(self) -> float:
        """Lower quartile."""
        return float(np.quantile(self.samples, 0.25))

    @property
    def upper(self) -> float:
        """Upper quartile."""
        return float(np.quantile(self.samples, 0.75))


def alternate(
    runs: Mapping[str, Run], seconds: float, clock: Callable[[], float] = perf_counter
) -> dict[str, Timing | Exception]:
    """Time every run once per round until `seconds` are over.

    Every other round has the reverse order. The first round warms up and does not count. A run that raises is not
    called again, and its error takes the place of its timing.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    errors: dict[str, Exception] = {}
    start = clock()
    for number in range(MAX_ROUNDS + 1):
        # Reversing every other round cancels slow drifts, such as a processor that gets warm.
        for name in runs if number % 2 else reversed(list(runs)):
            if name not in errors:
                began = clock()
                try:
                    runs[name]()
                except Exception as error:  # third-party code may raise anything
                    errors[name] = error
                else:
                    times[name].append(clock() - began)
        if number == 0:
            start = clock()
        elif number >= MIN_ROUNDS and clock() - start >= seconds:
            break
    return {name: errors.get(name) or Timing(tuple(times[name][1:])) for name in runs}


def synchronized(run: Run, device: torch.device) -> Run:
    """Wrap a run in inference mode, and let it return only when the device has finished its work."""

    @wraps(run)
    def wrapped() -> Any:
        with torch.inference_mode():
            output = run()
        synchronize(device)
        return output

    return wrapped


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()
