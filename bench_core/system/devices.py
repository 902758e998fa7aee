"""Compute devices through Lightning Fabric, and a check that torch.compile works on them."""

import atexit
import logging
import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from subprocess import TimeoutExpired
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import nn

from bench_core.errors import BadInput
from bench_core.specs import Precision
from bench_core.system.distributed import Distributed
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup
from bench_core.system.processes import end_with_parent
from bench_core.system.tf32 import set_tf32

RANK_TIMEOUT = timedelta(days=1)
"""Maximum wait of a rank for the others. Rank zero may need hours to check all images of a large set."""
FIRST_SCALE = 2.0**12
"""Scale of gradients in 16 bits that training starts with. PyTorch's own 2^16 leaves out the first updates."""
EXIT_TIMEOUT = 10.0
"""Seconds to wait for child processes to exit."""


class UnwrappedDDPStrategy(DDPStrategy):
    """DDP without the module wrapper: the training loop sums the gradients itself.

    DistributedDataParallel synchronises once per backward pass through its own forward. Here loss terms call a method's
    networks directly, several times per backward pass. One backward pass may also cover only one of many micro-batches.
    """

    def setup_module(self, module: nn.Module) -> nn.Module:  # pyright: ignore[reportIncompatibleMethodOverride]
        return module


def open_fabric(device: str, precision: Precision = "32-true", devices: int = 1, nodes: int = 1) -> Fabric:
    """Create a Fabric and, for several devices, launch or join the process group.

    The first call for several devices starts the other local processes unless torchrun or SLURM did.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        devices: devices on each node.

    Raises:
        BadInput: the devices do not exist or cannot be used.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    distributed = devices * nodes > 1
    strategy = UnwrappedDDPStrategy(timeout=RANK_TIMEOUT, process_group_backend=_backend()) if distributed else "auto"
    # on its own Fabric takes the variables of a cluster's job for a launch of one process per task
    plugins: Any = [] if distributed and _launched_by_cluster() else [LightningEnvironment()]
    try:
        fabric = Fabric(
            accelerator=device,
            strategy=strategy,
            devices=devices,
            num_nodes=nodes,
            precision="32-true" if precision == "tf32" else precision,
            plugins=plugins,
        )
        if distributed:
            fabric.launch()
    except Exception as error:  # Fabric raises several types
        requested = f"{device!r} ({devices} on each of {nodes} machines)" if distributed else f"{device!r}"
        raise BadInput(
            f"The device {requested} cannot be used here ({error}). `--device auto` picks an available device."
        ) from error
    if precision == "tf32" and fabric.device.type != "cuda":
        raise BadInput(f"tf32 needs an NVIDIA GPU, and the device is {fabric.device}; give --device cuda.")
    set_tf32(precision == "tf32")
    if getattr(fabric.strategy.precision, "scaler", None):
        scaler = torch.amp.GradScaler(fabric.device.type, init_scale=FIRST_SCALE)
        fabric.strategy.precision.scaler = scaler  # pyright: ignore[reportAttributeAccessIssue]
    return fabric


def _backend() -> str | None:
    """Return the backend of a process group with GPUs. Plain data goes through Gloo, which raises where NCCL hangs."""
    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else None


def _launched_by_cluster() -> bool:
    """Return True if torchrun, jsrun, mpirun or srun started one process for each device."""
    started = {"TORCHELASTIC_RUN_ID", "JSM_NAMESPACE_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"} & os.environ.keys()
    # an allocation sets SLURM_NTASKS, too, but only srun sets the tasks of a step
    return bool(started) or os.environ.get("SLURM_STEP_NUM_TASKS", "1") != "1"


def join_process_group(device: str, devices: int, nodes: int) -> ProcessGroup:
    """Start the other processes of this command if needed, and return the group.

    Raises:
        BadInput: the devices do not exist or cannot be used.
    """
    if devices * nodes == 1:
        return SINGLE_PROCESS
    fabric = open_fabric(device, devices=devices, nodes=nodes)
    if fabric.global_rank:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank zero handles Ctrl-C and ends the others
    if fabric.local_rank and not _launched_by_cluster():
        end_with_parent()
    atexit.register(_wait_or_kill, getattr(fabric.strategy.launcher, "procs", []))
    return Distributed(fabric.global_rank, fabric.world_size)


def _wait_or_kill(processes: Sequence) -> None:
    for process in processes:
        try:
            process.wait(EXIT_TIMEOUT)
        except TimeoutExpired:
            process.kill()


def require_compiler(device: str) -> None:
    """Compile a small function with torch.compile. It needs a C++ compiler, and Triton on a GPU.

    Raises:
        BadInput: torch.compile does not work on this machine.
    """
    ones = torch.ones(2, device=open_fabric(device).device)
    try:
        torch.compile(_add_one)(ones)
    except Exception as error:  # torch and its compilers raise many types
        reason = str(error).strip().partition("\n")[0]
        raise BadInput(
            f"--compile does not work here ({reason}). It needs a C++ compiler such as g++, and Triton on a GPU. "
            "Without --compile the results are the same, only slower."
        ) from error


def _add_one(x: torch.Tensor) -> torch.Tensor:
    return x + 1
