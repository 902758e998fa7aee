"""The time below which a computation cannot come: its FLOPs over the rate that this machine reaches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from bench_perf.timing import Run, Timing, alternate, settled
from bench_perf.variants import Arithmetic, rounded

SECONDS = 1.0
"""How long the best kernel of one arithmetic is sought."""
TYPES: dict[Arithmetic, torch.dtype] = {
    "32-true": torch.float32,
    "tf32": torch.float32,
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


@dataclass(frozen=True)
class RooflineKernel:
    """A computation that a machine is best at; run in turn with others, it tells what rate they could have reached."""

    name: str
    run: Run
    flops: float


def best_kernel(device: torch.device, arithmetic: Arithmetic) -> RooflineKernel:
    """The one of the highest rate among large convolutions and a matrix product; those that fail are left out."""
    kernels = _kernels(device, TYPES[arithmetic])
    runs = {name: rounded(arithmetic)(settled(run, device)) for name, run in kernels.items()}
    timed = {name: timing for name, timing in alternate(runs, SECONDS).items() if isinstance(timing, Timing)}
    flops = {name: count_flops(runs[name]) for name in timed}
    best = max(timed, key=lambda name: flops[name] / min(timed[name].samples))
    return RooflineKernel(f"{best}, {arithmetic}", runs[best], flops[best])


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
