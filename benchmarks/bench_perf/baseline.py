"""Baselines: third-party modules from Python files outside this repository."""

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
from bench_core.methods import Method
from bench_core.system.allocator import MMAP_THRESHOLD
from bench_perf.records import Candidate
from bench_perf.worker import Loop, start_worker


@dataclass(frozen=True)
class Baseline:
    """Python file that defines a baseline.

    It defines ``build()`` or ``build(method)``, which returns a callable ``(masked, hole) -> prediction``. If `build`
    takes an argument, it receives our method to copy its weights. To measure training, the file also defines
    ``build_step()``, which returns a callable ``(image, hole)`` that takes one optimiser step. ``name`` is optional.

    Images are (b, c, h, w) in [0, 1], holes (b, 1, h, w) with 1 = missing. Hidden pixels of `masked` are zero.
    """

    path: Path
    name: str

    @classmethod
    def load(cls, path: Path) -> "Baseline":
        """Run the file once to check that it can be used.

        Raises:
            BadInput: the file is missing, it raises, or it defines no `build`.
        """
        return cls(path, str(getattr(_run_file(path), "name", path.stem)))

    def build(self, method: Method) -> Callable[[Tensor, Tensor], Tensor]:
        """Build the baseline; a torch module is moved to the method's device and set to evaluation mode."""
        # Runs in a worker, which cannot receive the module from its parent: modules cannot be pickled.
        build = _run_file(self.path).build
        built = build(method) if inspect.signature(build).parameters else build()
        parameter = next(method.parameters(), None)
        device = "cpu" if parameter is None else parameter.device
        return built.to(device).eval() if isinstance(built, nn.Module) else built

    def build_step(self) -> Callable[[Tensor, Tensor], Any]:
        """Build the baseline's training step.

        Raises:
            BadInput: the file defines no `build_step`.
        """
        module = _run_file(self.path)
        if not hasattr(module, "build_step"):
            raise BadInput(f"{self.path.name} defines no build_step(), so its training is not measured.")
        return module.build_step()


def baseline_candidates(baseline: Baseline, loop: Loop, threads: int) -> Iterator[Candidate]:
    """Yield the baseline with the system's default malloc last, and before it with tuned malloc if `bench` tunes it."""
    if MMAP_THRESHOLD in os.environ:
        yield Candidate(f"{baseline.name}, tuned malloc", partial(start_worker, loop, threads))
    yield Candidate(baseline.name, partial(start_worker, loop, threads, tuned_malloc=False))


def _run_file(path: Path) -> ModuleType:
    expected = (
        "a baseline is a Python file with a function build() that returns a callable (masked, hole) -> prediction"
    )
    spec = spec_from_file_location(f"baseline_{path.stem}", path)
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
