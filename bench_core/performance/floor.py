"""The time below which a computation cannot come: its FLOPs over the rate that this machine was seen to reach."""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from bench_core.devices import Precision
from bench_core.performance.timing import Run, Timing, alternate, settled

SECONDS = 1.0
"""How long the rate of one precision is measured."""
TYPES: dict[Precision, torch.dtype] = {
    "32-true": torch.float32,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
}


def count_flops(run: Run) -> float:
    """Floating-point operations of the convolutions and matrix products in one run, by torch's own counter.

    A multiplication and an addition are two. What is computed elsewhere, by NumPy or OpenCV, is not seen.
    """
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def measured_rates(device: torch.device, precision: Precision) -> dict[str, float]:
    """The best FLOP/s of a few large convolutions and a matrix product, by name; those that fail are left out."""
    runs = {name: settled(run, device) for name, run in _kernels(device, TYPES[precision]).items()}
    timed = {name: timing for name, timing in alternate(runs, SECONDS).items() if isinstance(timing, Timing)}
    return {name: count_flops(runs[name]) / min(timing.samples) for name, timing in timed.items()}


def _kernels(device: torch.device, dtype: torch.dtype) -> dict[str, Callable[[], torch.Tensor]]:
    """Large enough that the rate no longer grows: on a GPU, whose lanes are many, with more images at a time."""
    batch = 1 if device.type == "cpu" else 32
    kernels = {}
    for channels, side in ((96, 128), (192, 64)):
        x = torch.ones(batch, channels, side, side, device=device, dtype=dtype)
        weight = torch.ones(channels, channels, 3, 3, device=device, dtype=dtype)
        last = (each.to(memory_format=torch.channels_last) for each in (x, weight))
        kernels[f"convolution {channels} x {side}"] = partial(conv2d, x, weight, padding=1)
        kernels[f"convolution {channels} x {side}, channels last"] = partial(conv2d, *last, padding=1)
    square = torch.ones(1024 if batch == 1 else 8192, 1024, device=device, dtype=dtype)
    kernels["matrix product"] = partial(torch.matmul, square, square.T)
    return kernels
