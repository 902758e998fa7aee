"""A batch in parts: as many images at a time as fit into a device's memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from bench_core.methods.method import Guidance, HoleTensor, ImageTensor, LossContext, Method, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_core.recipe import Update


class OutOfMemory(RuntimeError):
    """A micro-batch did not fit into memory. The text says what to try."""

    def __init__(self, num_images: int, error: Exception) -> None:
        advice = (
            f"try --micro-batch {num_images // 2}, or --auto-micro-batch"
            if num_images > 1
            else "try a smaller --size, or --precision bf16-mixed"
        )
        reason = str(error).strip().partition("\n")[0]
        super().__init__(f"no memory to train with {num_images} images at a time: {advice} ({reason})")


def is_out_of_memory(error: Exception) -> bool:
    """Return True for an out-of-memory error. Torch has a class for those of CUDA only."""
    message = str(error).lower()
    known = ("out of memory", "not enough memory", "can't allocate memory", "alloc_failed")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(words in message for words in known)
    )


@dataclass
class SharedBatch:
    """A batch that the updates of one round share, one after the other.

    Taken whole, it is predicted once, and the generator learns through that prediction. In micro-batches, the
    generator predicts each again when it learns. All other updates see the predictions of the weights that the round
    began with.
    """

    image: ImageTensor
    hole: HoleTensor
    masked: ImageTensor
    guidance: tuple[Guidance, ...]
    method: Method
    backbones: Backbones
    generator_learns: bool
    _output: MethodOutput | None = field(default=None, init=False)

    def loss_contexts(self, update: Update, micro_batch: int) -> Iterator[LossContext]:
        """Yield the inputs of an update's loss terms, at most `micro_batch` images at a time.

        Each context must be used before the next is taken: buffers are restored in between.
        """
        learns = update.network == "generator"
        parts = _parts(len(self.image), micro_batch)
        if len(parts) == 1:
            if self._output is None:
                self._output = self._predict(parts[0], self.generator_learns)
            ctx = self._context(parts[0], self._output)
            yield ctx if learns else ctx.detached()
            return
        if self._output is None and not learns:
            self._predict_ahead(parts)
        before, outputs = BufferSnapshot(_per_batch_buffers(self.method)), []
        for part in parts:
            before.restore()
            output = self._predict(part, True) if learns or self._output is None else _part(self._output, part)
            outputs.append(output.detach())
            yield self._context(part, output if learns else outputs[-1])
        self._output = _joined(outputs)

    def free_graph(self) -> None:
        """Free the graph, which only an update of the whole batch needs."""
        self._output = self._output and self._output.detach()

    def _predict_ahead(self, parts: list[slice]) -> None:
        """Predict for updates before the generator's, whose own pass changes the buffers again."""
        before = BufferSnapshot(self.method.buffers() if self.generator_learns else _per_batch_buffers(self.method))
        outputs = []
        for part in parts:
            before.restore()
            outputs.append(self._predict(part, False))
        if self.generator_learns:
            before.restore()
        self._output = _joined(outputs)

    def _predict(self, part: slice, graph: bool) -> MethodOutput:
        with torch.set_grad_enabled(graph):
            guidance = (plane[part] for plane in self.guidance)
            return self.method.training_output(self.image[part], self.masked[part], self.hole[part], *guidance)

    def _context(self, part: slice, output: MethodOutput) -> LossContext:
        guidance = tuple(plane[part] for plane in self.guidance)
        return LossContext(self.image[part], self.hole[part], output, self.method, self.backbones, guidance)


class BufferSnapshot:
    """A copy of buffers, to be restored."""

    def __init__(self, buffers: Iterable[Tensor]) -> None:
        self._saved = [(buffer, buffer.clone()) for buffer in buffers]

    def restore(self) -> None:
        for buffer, saved in self._saved:
            buffer.copy_(saved)


def _per_batch_buffers(method: nn.Module) -> Iterator[Tensor]:
    """Buffers that change once a batch whatever its size, such as the vectors of a power iteration.

    Batch norm's statistics are not among them: every micro-batch adds to those.
    """
    for module in method.modules():
        if not isinstance(module, _NormBase):
            yield from module.buffers(recurse=False)


def _parts(num_images: int, micro_batch: int) -> list[slice]:
    """Slices of at most `micro_batch` images, whose sizes differ by one at most."""
    count = max(1, -(-num_images // micro_batch))
    bounds = [num_images * part // count for part in range(count + 1)]
    return [slice(first, last) for first, last in pairwise(bounds)]


def _part(output: MethodOutput, part: slice) -> MethodOutput:
    return output.map(lambda tensor: tensor[part])


def _joined(outputs: list[MethodOutput]) -> MethodOutput:
    coarse = [output.coarse for output in outputs if output.coarse is not None]
    extras = {
        name: tuple(torch.cat(parts) for parts in zip(*(output.extras[name] for output in outputs), strict=True))
        for name in outputs[0].extras
    }
    prediction = torch.cat([output.prediction for output in outputs])
    return MethodOutput(prediction, torch.cat(coarse) if coarse else None, extras)
