"""A rival: somebody else's module, from a Python file outside the repository."""

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from bench_core.errors import BadInput
from bench_core.methods.method import Method
from bench_core.system.allocator import MMAP_THRESHOLD
from bench_perf.records import Candidate
from bench_perf.worker import Work, apart


@dataclass(frozen=True)
class Baseline:
    """A Python file. It defines

    ``build()`` or ``build(method)``, which returns a callable ``(masked, hole) -> prediction``. Where `build` takes an
    argument, it is given our method with its weights, to copy them;

    ``build_step()``, if its training is to be measured too: a callable ``(image, hole)`` that takes one optimiser step;

    and, if it likes, ``name``. Tensors are as everywhere here: images (b, c, h, w) in [0, 1], holes (b, 1, h, w) with
    1 = missing, and hidden pixels of `masked` are zero.
    """

    path: Path
    name: str

    @classmethod
    def read(cls, path: Path) -> "Baseline":
        """Run the file once, to see whether it can be used.

        Raises:
            BadInput: there is no such file, it fails, or it defines no `build`.
        """
        return cls(path, str(getattr(_load(path), "name", path.stem)))

    def build(self, method: Method) -> Callable[[Tensor, Tensor], Tensor]:
        """What paints; a network of torch's is put beside the method and into evaluation."""
        build = _load(self.path).build
        built = build(method) if inspect.signature(build).parameters else build()
        where = next(method.parameters()).device if any(True for _ in method.parameters()) else "cpu"
        return built.to(where).eval() if isinstance(built, nn.Module) else built

    def build_step(self) -> Callable[[Tensor, Tensor], Any]:
        """What takes one step of training.

        Raises:
            BadInput: the file defines none.
        """
        module = _load(self.path)
        if not hasattr(module, "build_step"):
            raise BadInput(f"{self.path.name} defines no build_step(), so its training is not measured.")
        return module.build_step()


def contenders_of(baseline: Baseline, work: Work, threads: int) -> Iterator[Candidate]:
    """The rival as it comes, last; before it under our allocator's setting, where we have another than the system."""
    if MMAP_THRESHOLD in os.environ:
        yield Candidate(f"{baseline.name}, memory kept", partial(apart, work, threads))
    yield Candidate(baseline.name, partial(apart, work, threads, keeps_memory=False))


def _load(path: Path) -> ModuleType:
    expected = "a rival is a Python file with a function build() that returns a callable (masked, hole) -> prediction"
    spec = spec_from_file_location(f"rival_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise BadInput(f"There is no Python file {path}; {expected}.")
    module = sys.modules[spec.name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise BadInput(f"{path} cannot be run ({type(error).__name__}: {error}); {expected}.") from error
    if not callable(getattr(module, "build", None)):
        raise BadInput(f"{path} defines no function build; {expected}.")
    return module
