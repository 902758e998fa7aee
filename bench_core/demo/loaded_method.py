"""A method on offer, and what it makes of a picture."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter

import torch

from bench_core.errors import BadInput
from bench_core.images import Array
from bench_core.methods.inpaint import Inpainter
from bench_core.specs import Model
from bench_core.training.micro_batches import is_out_of_memory


@dataclass(frozen=True)
class InpaintResult:
    """What came of one painting: a picture, or why there is none."""

    picture: Array | None = None
    error: str = ""
    loading: float = 0.0
    """Seconds; 0 where the method was loaded before."""
    painting: float = 0.0
    """Seconds."""


@dataclass
class DemoMethod:
    """A method on offer; its weights are loaded when it first paints, and kept."""

    name: str
    title: str
    remark: str
    """What its user must know: how it was trained."""
    model: Model
    device: torch.device
    weights: Callable[[], Path | None] = lambda: None
    """Where its weights lie. May raise BadInput, as where they are damaged."""

    @property
    def guided(self) -> bool:
        return self.model.guide is not None

    @cached_property
    def _painter(self) -> Inpainter:
        return Inpainter.load(self.model, self.weights(), self.device)

    def inpaint(self, picture: Array, missing: Array, lines: Array) -> InpaintResult:
        """Fill the hole. A failure is told in place of a picture, whatever it is: others are to be seen beside it."""
        try:
            began = perf_counter()
            painter = self._painter
            loaded = perf_counter()
            filled = painter.inpaint(picture, missing, lines if self.guided else None)
            return InpaintResult(filled, loading=loaded - began, painting=perf_counter() - loaded)
        except BadInput as error:
            return InpaintResult(error=str(error))
        except Exception as error:
            if is_out_of_memory(error):
                return InpaintResult(error="There is not enough memory for a picture of this size; make it smaller.")
            traceback.print_exc()  # a bug, most likely: the one who started the server can report it
            return InpaintResult(error=f"{type(error).__name__}: {error}")
