"""TF32: 32-bit floats of which NVIDIA GPUs multiply only 19 bits, in convolutions and products of matrices.

PyTorch uses it for convolutions unless it is switched off, which `bench_core.system.devices.open_fabric` does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def set_tf32(enabled: bool) -> None:
    """Use TF32 from now on, or full 32 bits."""
    torch.backends.cuda.matmul.allow_tf32 = enabled
    torch.backends.cudnn.allow_tf32 = enabled


@contextmanager
def tf32(enabled: bool) -> Iterator[None]:
    """Use TF32 inside, or full 32 bits."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    set_tf32(enabled)
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
