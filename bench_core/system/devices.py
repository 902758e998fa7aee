"""The devices that work runs on, through Lightning Fabric."""

import atexit
import logging
import signal
from collections.abc import Sequence
from datetime import timedelta
from subprocess import TimeoutExpired

from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import nn

from bench_core.errors import BadInput
from bench_core.specs import Precision
from bench_core.system.distributed import Distributed
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup

RANK_TIMEOUT = timedelta(days=1)
"""How long ranks wait for each other, such as for rank zero while it looks at all images."""
EXIT_TIMEOUT = 10.0
"""Seconds that processes which this one started have to end after it."""


class Replicas(DDPStrategy):
    """A replica of every network in each process, and no wrapper around it: the training loop adds the gradients up.

    DistributedDataParallel sums gradients of what passes through its own forward, once for each backward pass. Here
    loss terms call a method's networks directly, in several passes, and one backward pass may belong to one of many
    micro-batches.
    """

    def setup_module(self, module: nn.Module) -> nn.Module:  # pyright: ignore[reportIncompatibleMethodOverride]
        return module


def open_fabric(device: str, precision: Precision = "32-true", devices: int = 1, nodes: int = 1) -> Fabric:
    """Fabric on ``auto``, ``cpu``, ``cuda`` or ``mps``; with several devices as one of the processes that share them.

    The first call for several devices starts the others on this machine, unless torchrun or SLURM did.

    Raises:
        BadInput: there are no such devices here.
    """
    several = devices * nodes > 1
    strategy = Replicas(timeout=RANK_TIMEOUT) if several else "auto"
    try:
        fabric = Fabric(
            accelerator=device,
            strategy=strategy,
            devices=devices,
            num_nodes=nodes,
            precision=precision,
        )
        if several:
            fabric.launch()
        return fabric
    except Exception as error:  # Fabric has several for this
        asked = f"{device!r}" if not several else f"{device!r} ({devices} on each of {nodes} machines)"
        raise BadInput(
            f"The device {asked} cannot be used here ({error}); --device auto takes what there is."
        ) from error


def join(device: str, devices: int, nodes: int) -> ProcessGroup:
    """Meet the other processes of this command, started if need be.

    Raises:
        BadInput: there are no such devices here.
    """
    if devices * nodes == 1:
        return SINGLE_PROCESS
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = open_fabric(device, devices=devices, nodes=nodes)
    if fabric.global_rank:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank zero is interrupted, and ends the others
    atexit.register(_see_off, getattr(fabric.strategy.launcher, "procs", []))
    return Distributed(fabric.global_rank, fabric.world_size)


def _see_off(processes: Sequence) -> None:
    for process in processes:
        try:
            process.wait(EXIT_TIMEOUT)
        except TimeoutExpired:
            process.kill()
