"""What goes wrong around a run, and is right again when the context is left."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from bench_core.training import trainer


@dataclass(frozen=True)
class World:
    """The folder of a test, where `out` is the store, and the toy plugin as it is loaded."""

    folder: Path
    patch: pytest.MonkeyPatch

    @property
    def toy(self) -> ModuleType:
        return sys.modules["bench_toy"]

    @property
    def photographs(self) -> Path:
        return self.folder / "photographs"


@dataclass(frozen=True)
class Mishap:
    """One thing that goes wrong, and what the user must be told of it."""

    name: str
    injected: str
    cause: Callable[[World], AbstractContextManager[Any]]
    code: int
    said: str
    """As printed, in which OUT is the store and DATA the folder of images; `...` stands for what may differ."""
    kept: str
    options: tuple[str, ...] = ()


@contextmanager
def away(path: Path) -> Iterator[None]:
    """Something is not where it was."""
    moved = path.rename(path.with_name(f"{path.name} away"))
    yield
    shutil.rmtree(path, ignore_errors=True)
    moved.rename(path)


@contextmanager
def no_folder(world: World) -> Iterator[None]:
    """Root may write to folders that are read-only, but nobody to a file as if it were one."""
    (world.folder / "out").write_text("")
    yield
    (world.folder / "out").unlink()


@contextmanager
def images_go(world: World) -> Iterator[None]:
    """When the training begins, which is when the method is built."""
    build = world.toy.build
    lost = world.photographs / "train"

    def build_and_lose(*given: Any, **options: Any) -> Any:
        lost.rename(world.folder / "lost")
        return build(*given, **options)

    world.patch.setattr(world.toy, "build", build_and_lose)
    yield
    (world.folder / "lost").rename(lost)


@contextmanager
def little_memory(world: World) -> Iterator[None]:
    forward = world.toy.Toy.forward

    def hungry(self: Any, masked: torch.Tensor, *rest: torch.Tensor) -> Any:
        if len(masked) > 1:
            raise torch.OutOfMemoryError("Tried to allocate 20.00 GiB")
        return forward(self, masked, *rest)

    world.patch.setattr(world.toy.Toy, "forward", hungry)
    yield


@contextmanager
def no_number(world: World) -> Iterator[None]:
    """From the third step on, where every step is saved."""
    values = iter([1.0, 1.0])
    far = world.toy.far
    world.patch.setattr(world.toy, "far", lambda ctx, level: far(ctx, level) * next(values, float("nan")))
    world.patch.setattr(trainer, "CHECKPOINT_SECONDS", -1)
    world.patch.setattr(trainer, "CHECKPOINT_SHARE", float("inf"))
    yield
    (checkpoint,) = (world.folder / "out").glob("cells/*/checkpoint.pt")
    assert torch.load(checkpoint, weights_only=True)["step"] == 2


@contextmanager
def broken_import(world: World) -> Iterator[None]:
    path = world.folder / "modules" / "bench_toy.py"
    text = path.read_text()
    path.write_text("raise RuntimeError('no such luck')\n")
    sys.modules.pop("bench_toy", None)
    yield
    path.write_text(text)


def broken(place: str) -> Callable[[World], AbstractContextManager[None]]:
    """A function of the plugin raises."""

    @contextmanager
    def cause(world: World) -> Iterator[None]:
        def fail(*given: Any, **options: Any) -> None:
            raise RuntimeError("no such luck")

        owner = world.toy if place == "build" else world.toy.Toy
        world.patch.setattr(owner, place, fail)
        yield

    return cause


def full_disk(kibibytes: int) -> Callable[[World], AbstractContextManager[None]]:
    """A real one: a small file system, whose content is later taken to a larger one. Only root may mount it."""

    @contextmanager
    def cause(world: World) -> Iterator[None]:
        small, larger = world.folder / "out", world.folder / "larger"
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "none", str(small)]
        if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no file system may be mounted here")
        try:
            yield
            shutil.copytree(small, larger)
        finally:
            subprocess.run(["umount", str(small)], check=True)
        small.rmdir()
        larger.rename(small)

    return cause


REPEAT = "all else; the same command goes on"
UNLUCKY = "toy failed: RuntimeError: no such luck"
LOST = (
    "toy failed: DATA/train/3.png cannot be read as an image: [Errno 2] No such file or directory: 'DATA/train/3.png'"
)
MISHAPS = (
    Mishap(
        "`--out` cannot be written to",
        "a file in place of the folder (stands in for a read-only one, which root may write to)",
        no_folder,
        2,
        "Error: The folder OUT cannot be written to (File exists). Choose another with --out.",
        "what was there",
    ),
    Mishap(
        "images vanish between two runs",
        "`--data` is renamed",
        lambda world: away(world.photographs),
        2,
        "Error: The image set 'folder' needs a folder of images, but DATA does not exist. Check the path.",
        "the whole store",
    ),
    Mishap(
        "images vanish during a run",
        "the training images are renamed when the training begins",
        images_go,
        1,
        LOST,
        REPEAT,
        ("--image-cache", "0"),
    ),
    Mishap(
        "images vanish during a run that skips bad ones",
        "the same, with `--skip-bad-images`",
        images_go,
        1,
        LOST,
        REPEAT,
        ("--image-cache", "0", "--skip-bad-images"),
    ),
    Mishap(
        "images vanish during a run that keeps them decoded",
        "the same, as it is by default",
        images_go,
        0,
        "",
        "everything: the run needs them no more",
    ),
    Mishap(
        "too little memory",
        "a method raises `torch.OutOfMemoryError` for more than one image",
        little_memory,
        1,
        "toy failed: OutOfMemory: no memory to train with 2 images at a time: "
        "try --micro-batch 1, or --auto-micro-batch (Tried to allocate 20.00 GiB)",
        REPEAT,
    ),
    Mishap(
        "a loss becomes NaN",
        "the loss term `far` is NaN from the third step on, every step being saved",
        no_number,
        1,
        "toy failed: NonFiniteError: the loss term far of the generator became NaN or infinite at step 2",
        "the checkpoint of the step before",
    ),
    Mishap(
        "a plugin fails when it is imported",
        "it raises",
        broken_import,
        2,
        "The plugin toy cannot be loaded: RuntimeError: no such luck (see `bench plugins`)",
        "the whole store",
    ),
    Mishap("a plugin fails to build its method", "it raises", broken("build"), 1, UNLUCKY, REPEAT),
    Mishap("a method fails to paint", "`predict` raises", broken("predict"), 1, UNLUCKY, "the trained weights"),
    Mishap(
        "the disk is full",
        "`--out` is a file system of 20 KiB, whose content is then taken to a larger one",
        full_disk(20),
        2,
        "cannot be written (No space left on device). Fix this and repeat the same command.",
        REPEAT,
    ),
)
