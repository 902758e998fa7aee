"""Whether torch.compile works on this machine: it writes code for a C++ compiler, or on a GPU for Triton."""

import torch

from bench_core.errors import BadInput
from bench_core.system.devices import open_fabric


def require_compiler(device: str) -> None:
    """Compile something small.

    Raises:
        BadInput: that does not work here.
    """
    one = torch.ones(2, device=open_fabric(device).device)
    try:
        torch.compile(_plus_one)(one)
    except Exception as error:  # torch and the compilers behind it have many for this
        told = str(error).strip().partition("\n")[0]
        raise BadInput(
            f"--compile does not work here ({told}). It needs a C++ compiler such as g++, on a GPU also Triton; "
            "without --compile the same is computed, only slower."
        ) from error


def _plus_one(x: torch.Tensor) -> torch.Tensor:
    return x + 1
