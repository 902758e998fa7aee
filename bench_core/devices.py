"""The device that work runs on, through Lightning Fabric."""

from collections.abc import Sequence
from typing import Literal

from lightning_fabric import Fabric
from lightning_fabric.loggers import Logger

from bench_core.errors import BadInput

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def open_fabric(device: str, precision: Precision = "32-true", loggers: Sequence[Logger] = ()) -> Fabric:
    """Fabric on one device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        BadInput: this machine has no such device.
    """
    try:
        return Fabric(accelerator=device, devices=1, precision=precision, loggers=list(loggers))
    except Exception as error:  # Fabric has several for this
        raise BadInput(
            f"The device {device!r} cannot be used here ({error}); --device auto takes what there is."
        ) from error
