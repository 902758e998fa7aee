"""A method of the page: loads its weights on first use, and inpaints."""

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
    """The composite, or an error message."""

    image: Array | None = None
    error: str = ""
    loading: float = 0.0
    """Seconds to load the method; about 0 if it was loaded before."""
    inpainting: float = 0.0
    """Seconds to inpaint."""


@dataclass
class DemoMethod:
    """A method to choose on the page. It is loaded on first use and stays in memory."""

    name: str
    title: str
    remark: str
    """How it was trained."""
    model: Model
    device: torch.device
    weights: Callable[[], Path | None] = lambda: None
    """Returns the path of the weights. Raises BadInput if they are damaged."""

    @property
    def guided(self) -> bool:
        return self.model.guide is not None

    @cached_property
    def _inpainter(self) -> Inpainter:
        return Inpainter.load(self.model, self.weights(), self.device)

    def inpaint(self, image: Array, missing: Array, lines: Array) -> InpaintResult:
        """Inpaint an image. Any error becomes a result, so that the page can show the other methods.

        Args:
            image: uint8 (height, width, channels).
            missing: The hole, bool (height, width).
            lines: Sketch, bool (height, width); only guided methods use it.
        """
        try:
            began = perf_counter()
            inpainter = self._inpainter
            loaded = perf_counter()
            filled = inpainter.inpaint(image, missing, lines if self.guided else None)
            return InpaintResult(filled, loading=loaded - began, inpainting=perf_counter() - loaded)
        except BadInput as error:
            return InpaintResult(error=str(error))
        except Exception as error:
            if is_out_of_memory(error):
                return InpaintResult(error="There is not enough memory for an image of this size; make it smaller.")
            traceback.print_exc()  # probably a bug in the method: show it to whoever started the server
            return InpaintResult(error=f"{type(error).__name__}: {error}")
