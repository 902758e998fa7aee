"""Roofline: the fastest rate of FLOPs that this machine reaches, and the time that a run's FLOPs take at that rate."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from bench_core.specs import Precision
from bench_core.system.tf32 import tf32
from bench_perf.timing import Run, Timing, alternate, synchronized

SECONDS = 1.0
"""Time spent on the search for the best kernel of one precision."""
TYPES: dict[Precision, torch.dtype] = {
    "32-true": torch.float32,
    "tf32": torch.float32,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
}


def count_flops(run: Run) -> float:
    """Count the FLOPs of the convolutions and matrix products in one run.

    A multiplication and an addition count as two. torch's counter does not see the work of other libraries, such as
    NumPy or OpenCV.
    """
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


@dataclass(frozen=True)
class RooflineKernel:
    """Kernel with the highest FLOP rate: the rate that candidates timed in alternation with it could have reached."""

    name: str
    run: Run
    flops: float


def best_kernel(device: torch.device, precision: Precision) -> RooflineKernel:
    """Find the fastest of several large convolutions and a matrix product, without those that raise."""
    kernels = _kernels(device, TYPES[precision])
    runs = {name: tf32(precision == "tf32")(synchronized(run, device)) for name, run in kernels.items()}
    timed = {name: timing for name, timing in alternate(runs, SECONDS).items() if isinstance(timing, Timing)}
    flops = {name: count_flops(runs[name]) for name in timed}
    # The shortest time is the one that other work disturbed least.
    best = max(timed, key=lambda name: flops[name] / min(timed[name].samples))
    return RooflineKernel(f"{best}, {precision}", runs[best], flops[best])


def _kernels(device: torch.device, dtype: torch.dtype) -> dict[str, Callable[[], torch.Tensor]]:
    """Make kernels so large that their rate no longer grows. A GPU needs larger batches for that."""
    batch = 1 if device.type == "cpu" else 32
    kernels = {}
    for channels, side in ((96, 128), (192, 64)):
        x = torch.randn(batch, channels, side, side, device=device, dtype=dtype)
        weight = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)
        channels_last = (each.to(memory_format=torch.channels_last) for each in (x, weight))
        kernels[f"convolution {channels} x {side}"] = partial(conv2d, x, weight, padding=1)
        kernels[f"convolution {channels} x {side}, channels last"] = partial(conv2d, *channels_last, padding=1)
    square = torch.randn(1024 if batch == 1 else 8192, 1024, device=device, dtype=dtype)
    kernels["matrix product"] = partial(torch.matmul, square, square.T)
    return kernels
