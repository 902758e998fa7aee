"""Timing several runs in turn, so that whatever else the machine does slows all of them alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from time import perf_counter
from typing import Any

import numpy as np
import torch

Run = Callable[[], Any]
FEWEST, MOST = 3, 200
"""Rounds that are timed at least, whatever they take, and at most."""


@dataclass(frozen=True)
class Timing:
    """What the timed rounds of one run took, in seconds, in order."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.quantile(self.samples, 0.5))

    @property
    def lower(self) -> float:
        """The quartile."""
        return float(np.quantile(self.samples, 0.25))

    @property
    def upper(self) -> float:
        """The quartile."""
        return float(np.quantile(self.samples, 0.75))


def alternate(
    runs: Mapping[str, Run], seconds: float, clock: Callable[[], float] = perf_counter
) -> dict[str, Timing | Exception]:
    """Time every run once a round, every other round in reverse order, until `seconds` are over.

    A first round warms up and is not counted. A run that raises is not called again; its error is returned.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    failed: dict[str, Exception] = {}
    began = clock()
    for number in range(MOST + 1):
        for name in runs if number % 2 else reversed(list(runs)):
            if name not in failed:
                try:
                    times[name].append(_elapsed(runs[name], clock))
                except Exception as error:  # whatever a stranger's code raises, the others go on
                    failed[name] = error
        if number == 0:
            began = clock()
        elif number >= FEWEST and clock() - began >= seconds:
            break
    return {name: failed.get(name) or Timing(tuple(times[name][1:])) for name in runs}


def _elapsed(run: Run, clock: Callable[[], float]) -> float:
    began = clock()
    run()
    return clock() - began


def settled(run: Run, device: torch.device) -> Run:
    """The run in inference mode, over only when the device has done all that it was given."""

    @wraps(run)
    def whole() -> Any:
        with torch.inference_mode():
            output = run()
        settle(device)
        return output

    return whole


def settle(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()
