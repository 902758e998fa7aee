"""Computations that need 32 bits, whatever the precision of the layers around them."""

from contextlib import AbstractContextManager, nullcontext

import torch


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Disable autocast in a `with` block. Tensors keep their types, so cast those that may have 16 bits yourself."""
    # the meta device, on which shapes are computed, has no autocast
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
