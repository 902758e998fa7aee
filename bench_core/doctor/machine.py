"""What this machine and this installation are like, and what in them costs speed or results."""

import os
import shutil
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import torch

from bench_core.doctor.finding import Finding
from bench_core.plugins import Plugins
from bench_core.specs import ImageSet
from bench_core.system import environment
from bench_core.system.allocator import SWITCH, tune_malloc
from bench_core.system.threads import usable_cores
from bench_core.weights import download

LOW_DISK_GIB = 5
"""GiB of free space, below which a warning is due."""
EXTRAS = {
    "demo": "starlette",
    "mlflow": "mlflow",
    "ray": "ray",
    "tensorboard": "tensorboard",
    "tensorflow": "crc32c",
    "wandb": "wandb",
}
"""Optional parts of the installation, with a module that only they bring."""


def examine(out: Path) -> Iterator[Finding]:
    """All facts, in the order in which they are told. `out` is where results would lie; it need not be there yet."""
    yield from _software()
    yield from _device()
    yield from _threads()
    yield _allocator()
    yield _disk(out)
    yield from _plugins()
    yield from _weights()
    yield from _extras()


def _software() -> Iterator[Finding]:
    found = environment.environment()
    yield Finding("system", f"Python {found['python']}, {found['platform']}")
    yield Finding("versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items()))


def _plugins() -> Iterator[Finding]:
    found = Plugins.all()
    whole = [name for name, plugin in found.installed.items() if not plugin.error and name in found.on_request]
    yield Finding("plugins", ", ".join(whole) or "none but the harness's own parts", missing=not whole)
    for plugin in found.installed.values():
        if plugin.error:
            yield Finding(
                "plugins", f"{plugin.name} is broken: {plugin.reason}", "`bench plugins` prints where it broke."
            )
    yield from _image_sets(found.records("image_sets").values())


def _image_sets(known: Iterable[ImageSet]) -> Iterator[Finding]:
    own = {each.name: Path(each.home).expanduser() for each in known if not each.needs_folder}
    absent = [name for name, home in own.items() if not home.exists()]
    yield Finding("image sets", f"at hand: {', '.join(name for name in own if name not in absent)}")
    if absent:
        yield Finding(
            "image sets", f"{', '.join(absent)}: downloaded when first used, or give --data FOLDER", missing=True
        )
    given = ", ".join(each.name for each in known if each.needs_folder)
    yield Finding("image sets", f"where --data FOLDER says: {given}", missing=True)


def _device() -> Iterator[Finding]:
    yield Finding("processor", f"{environment.device_name(torch.device('cpu'))}{_memory()}")
    for number in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(number).total_memory / 2**30
        yield Finding("GPU", f"{environment.device_name(torch.device('cuda', number))}, {memory:.0f} GiB")
    if torch.backends.mps.is_available():
        yield Finding("GPU", "mps")
    elif not torch.cuda.is_available():
        yield _no_gpu()


def _no_gpu() -> Finding:
    if torch.version.cuda is None and shutil.which("nvidia-smi"):
        advice = "This torch was built without CUDA, though NVIDIA's driver is here: install a build with CUDA."
        return Finding("GPU", "none that torch can use", advice)
    return Finding("GPU", "none: the processor does it all, which takes long for the papers' networks", missing=True)


def _memory() -> str:
    """In words, where the system tells."""
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(getattr(os, "sysconf_names", ())):
        return ""
    return f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB of memory"


def _threads() -> Iterator[Finding]:
    cores, threads, given = usable_cores(), torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    told = f"torch {threads}, OpenCV {cv2.getNumThreads()}, usable cores {cores} of {os.cpu_count()}"
    told += f", OMP_NUM_THREADS {'not set' if given is None else given}"
    yield Finding("threads", told, _of_threads(cores, threads))


def _of_threads(cores: int, threads: int) -> str:
    if threads > cores:
        return f"torch has {threads} threads on {cores} usable cores, which fight: set OMP_NUM_THREADS={cores}."
    if "OMP_NUM_THREADS" in os.environ and threads < cores:
        return f"OMP_NUM_THREADS leaves torch {threads} of {cores} usable cores: unset it, unless they are others'."
    return ""


def _allocator() -> Finding:
    reason = tune_malloc()
    return Finding(
        "allocator", f"left as it is: {reason}" if reason else f"keeps freed memory ({SWITCH}=off: does not)"
    )


def _weights() -> Iterator[Finding]:
    where = {name: path for name in download.OFFICIAL if (path := download.find_unverified(name))}
    places = ", ".join(map(download.without_home, download.search_folders()))
    if where:
        folders = ", ".join(dict.fromkeys(download.without_home(path.parent) for path in where.values()))
        yield Finding("weights", f"{', '.join(where)} (in {folders})")
    if absent := ", ".join(name for name in download.OFFICIAL if name not in where):
        told = f"{absent}: downloaded when first needed, or put the files in {places} (docs/weights.md)"
        yield Finding("weights", told, missing=True)


def _extras() -> Iterator[Finding]:
    """What is installed beside the harness for some of its options."""
    absent = [name for name, module in EXTRAS.items() if find_spec(module) is None]
    if here := ", ".join(name for name in EXTRAS if name not in absent):
        yield Finding("extras", here)
    if absent:
        yield Finding("extras", f"{', '.join(absent)}: pip install 'inpaint-bench[{','.join(absent)}]'", missing=True)


def _disk(out: Path) -> Finding:
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free / 2**30
    advice = f"{out} has {free:.1f} GiB left; give another place with --out." if free < LOW_DISK_GIB else ""
    return Finding("disk", f"{free:.1f} GiB free for {out}", advice)
