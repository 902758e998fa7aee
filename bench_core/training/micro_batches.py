"""One batch in parts: as much of it at a time as a device has room for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from bench_core.methods.method import Guidance, HoleTensor, ImageTensor, LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_core.recipe import Update


class OutOfMemory(RuntimeError):
    """A micro-batch did not fit into memory; the text says what to try."""

    def __init__(self, tried: int, error: Exception) -> None:
        advice = (
            f"try --micro-batch {tried // 2}, or --auto-micro-batch"
            if tried > 1
            else "try a smaller --size, or --precision bf16-mixed"
        )
        super().__init__(f"no memory to train with {tried} images at a time: {advice} ({_first_line(error)})")


def is_out_of_memory(error: Exception) -> bool:
    """Whether that is what an error says; torch has a class of its own for CUDA only."""
    said = str(error).lower()
    known = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in said for words in known)
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


@dataclass
class SharedBatch:
    """A batch, as the updates of one round see it one after the other.

    Taken whole, it is painted once, and the generator learns through that painting. Taken in micro-batches, the
    generator paints each anew when it learns. All other updates see what was painted by the weights that the round
    began with.
    """

    image: ImageTensor
    hole: HoleTensor
    masked: ImageTensor
    guidance: tuple[Guidance, ...]
    method: nn.Module
    backbones: Backbones
    generator_learns: bool
    _painting: MethodOutput | None = field(default=None, init=False)

    def loss_contexts(self, update: Update, most: int) -> Iterator[LossContext]:
        """What an update looks at: `most` images at a time. One scene must be done with before the next is taken."""
        learns = update.network == "generator"
        parts = _parts(len(self.image), most)
        if len(parts) == 1:
            if self._painting is None:
                self._painting = self._paint(parts[0], self.generator_learns)
            ctx = self._scene(parts[0], self._painting)
            yield ctx if learns else ctx.detached()
            return
        if self._painting is None and not learns:
            self._paint_ahead(parts)
        before, seen = BufferSnapshot(_but_statistics(self.method)), []
        for part in parts:
            before.restore()
            output = self._paint(part, True) if learns or self._painting is None else _part(self._painting, part)
            seen.append(output.detach())
            yield self._scene(part, output if learns else seen[-1])
        self._painting = _joined(seen)

    def let_go(self) -> None:
        """Free what only an update of the whole batch needs."""
        self._painting = self._painting and self._painting.detach()

    def _paint_ahead(self, parts: list[slice]) -> None:
        """For updates before the generator's, which leaves traces of its own in the buffers."""
        before = BufferSnapshot(self.method.buffers() if self.generator_learns else _but_statistics(self.method))
        painted = []
        for part in parts:
            before.restore()
            painted.append(self._paint(part, False))
        if self.generator_learns:
            before.restore()
        self._painting = _joined(painted)

    def _paint(self, part: slice, graph: bool) -> MethodOutput:
        with torch.set_grad_enabled(graph):
            return self.method(self.masked[part], self.hole[part], *(plane[part] for plane in self.guidance))

    def _scene(self, part: slice, output: MethodOutput) -> LossContext:
        guidance = tuple(plane[part] for plane in self.guidance)
        return LossContext(self.image[part], self.hole[part], output, self.method, self.backbones, guidance)


class BufferSnapshot:
    """Buffers as they are now."""

    def __init__(self, buffers: Iterable[Tensor]) -> None:
        self.kept = [(buffer, buffer.clone()) for buffer in buffers]

    def restore(self) -> None:
        for buffer, was in self.kept:
            buffer.copy_(was)


def _but_statistics(method: nn.Module) -> Iterator[Tensor]:
    """Buffers that a pass changes whatever the batch is, such as the vectors of a power iteration: once a batch.

    Batch norm's statistics are not among them, which every micro-batch adds to.
    """
    for module in method.modules():
        if not isinstance(module, _NormBase):
            yield from module.buffers(recurse=False)


def _parts(count: int, most: int) -> list[slice]:
    """Slices of at most so many, as even as can be."""
    number = max(1, -(-count // most))
    bounds = [count * part // number for part in range(number + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


def _part(output: MethodOutput, part: slice) -> MethodOutput:
    return MethodOutput(output.prediction[part], None if output.coarse is None else output.coarse[part])


def _joined(outputs: list[MethodOutput]) -> MethodOutput:
    coarse = [output.coarse for output in outputs if output.coarse is not None]
    return MethodOutput(torch.cat([output.prediction for output in outputs]), torch.cat(coarse) if coarse else None)
