"""What this machine and this installation are like, and what in them costs speed or results."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from bench_core import provenance, weights
from bench_core.allocator import SWITCH, keep_memory
from bench_core.plugins import Plugins
from bench_core.threads import usable_cores

LITTLE_DISK = 5
"""GiB of free space, below which a warning is due."""


@dataclass(frozen=True)
class Fact:
    """Something found out, and what to do about it if it does harm."""

    subject: str
    told: str
    advice: str = ""


def examine(out: Path) -> Iterator[Fact]:
    """All facts, in the order in which they are told. `out` is where results would lie; it need not be there yet."""
    yield from _software()
    yield from _plugins()
    yield from _device()
    yield from _threads()
    yield _allocator()
    yield from _weights()
    yield _disk(out)


def _software() -> Iterator[Fact]:
    found = provenance.environment()
    yield Fact("system", f"Python {found['python']}, {found['platform']}")
    yield Fact("versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items()))


def _plugins() -> Iterator[Fact]:
    found = Plugins.find()
    found.load_all()
    whole = [plugin.name for plugin in found.installed.values() if not plugin.error]
    yield Fact("plugins", ", ".join(whole))
    for plugin in found.installed.values():
        if plugin.error:
            yield Fact("plugins", f"{plugin.name} is broken: {plugin.reason}", "`bench plugins` prints where it broke.")
    sets = found.records("image_sets").values()
    yield Fact("image sets", f"without a folder: {', '.join(each.name for each in sets if not each.needs_folder)}")
    yield Fact("image sets", f"with --data FOLDER: {', '.join(each.name for each in sets if each.needs_folder)}")


def _device() -> Iterator[Fact]:
    yield Fact("processor", provenance.device_name(torch.device("cpu")))
    for number in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(number).total_memory / 2**30
        yield Fact("GPU", f"{provenance.device_name(torch.device('cuda', number))}, {memory:.0f} GiB")
    if torch.backends.mps.is_available():
        yield Fact("GPU", "mps")
    elif not torch.cuda.is_available():
        yield _no_gpu()


def _no_gpu() -> Fact:
    if torch.version.cuda is None and shutil.which("nvidia-smi"):
        advice = "This torch was built without CUDA, though NVIDIA's driver is here: install a build with CUDA."
        return Fact("GPU", "none that torch can use", advice)
    return Fact("GPU", "none")


def _threads() -> Iterator[Fact]:
    cores, threads, given = usable_cores(), torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    told = f"torch {threads}, OpenCV {cv2.getNumThreads()}, usable cores {cores} of {os.cpu_count()}"
    told += f", OMP_NUM_THREADS {'not set' if given is None else given}"
    yield Fact("threads", told, _of_threads(cores, threads))


def _of_threads(cores: int, threads: int) -> str:
    if threads > cores:
        return f"torch has {threads} threads on {cores} usable cores, which fight: set OMP_NUM_THREADS={cores}."
    if "OMP_NUM_THREADS" in os.environ and threads < cores:
        return f"OMP_NUM_THREADS leaves torch {threads} of {cores} usable cores: unset it, unless they are others'."
    return ""


def _allocator() -> Fact:
    reason = keep_memory()
    return Fact("allocator", f"left as it is: {reason}" if reason else f"keeps freed memory ({SWITCH}=off: does not)")


def _weights() -> Iterator[Fact]:
    yield Fact("weights", f"looked for in {', '.join(map(weights.shortened, weights.folders()))}")
    for name in weights.OFFICIAL:
        path = weights.found(name)
        yield Fact("weights", f"{name}: {weights.shortened(path) if path else 'missing; downloaded when needed'}")


def _disk(out: Path) -> Fact:
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free / 2**30
    advice = f"{out} has {free:.1f} GiB left; give another place with --out." if free < LITTLE_DISK else ""
    return Fact("disk", f"{free:.1f} GiB free for {out}", advice)
