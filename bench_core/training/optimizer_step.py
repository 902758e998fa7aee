"""One update: a network's gradient over a whole batch, in as many parts as it takes, and the optimiser's step.

Losses are means over images, so every part's is weighted by its share of the batch. What compares the images of a batch
with each other, such as batch norm, sees those of a part.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from bench_core.methods.method import LossContext, Method
from bench_core.recipe import Update
from bench_core.system.distributed import Distributed
from bench_core.system.progress import console
from bench_core.training.micro_batches import BufferSnapshot, OutOfMemory, SharedBatch, is_out_of_memory
from bench_core.training.nan_guard import NanGuard

Terms = Mapping[str, Callable[[LossContext], Tensor]]


@dataclass
class OptimizerStep:
    """Made one after the other, on all ranks alike."""

    fabric: Fabric
    method: Method
    networks: tuple[str, ...]
    terms: Terms
    nan_guard: NanGuard
    distributed: Distributed
    batch: int
    """Images of a step, on all ranks together."""
    most: int
    """Images at a time on one device."""
    halve: bool
    """Whether `most` is halved where memory is too small for it."""
    _failure: Exception | None = field(default=None, init=False)

    def make(
        self, taken: Callable[[], SharedBatch], update: Update, optimiser: Optimizer, step: int
    ) -> dict[str, Tensor]:
        """Take the optimiser's step; returns the values of the loss terms.

        What fails on one rank alone is told by `look`. Until then its losses are no numbers, on all ranks.
        """
        network: nn.Module = getattr(self.method, update.network)
        with self._others_fixed(update):
            values = self._attempt(taken, update, optimiser)
        if self.distributed.count > 1:
            gradients = (torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters())
            self.distributed.all_reduce_sum([*gradients, *values.values()])
        # a scaler of 16 bits leaves out steps whose gradients are infinite, and goes on with a smaller scale
        scaled = getattr(self.fabric.strategy.precision, "scaler", None) is not None
        gradients = [] if scaled else [p.grad for p in network.parameters() if p.grad is not None]
        self.nan_guard.note(step, update, values, gradients)
        optimiser.step()
        optimiser.zero_grad()  # now, for the next forward pass needs the memory
        return values

    def look(self) -> None:
        """Meet the other ranks.

        Raises:
            Exception: what has failed here since the last look.
            bench_core.system.distributed.FailedElsewhere: something failed on another rank.
        """
        self.distributed.gather(self._confess)

    def _confess(self) -> None:
        if self._failure:
            raise self._failure

    def _attempt(self, taken: Callable[[], SharedBatch], update: Update, optimiser: Optimizer) -> dict[str, Tensor]:
        try:
            if self._failure is None:
                return self._fitting(taken(), update, optimiser)
        except Exception as error:
            if self.distributed.count == 1:
                raise
            self._failure = error
        return {name: torch.full((), float("nan"), device=self.fabric.device) for name in update.losses}

    def _fitting(self, shown: SharedBatch, update: Update, optimiser: Optimizer) -> dict[str, Tensor]:
        """The gradient, with as many images at a time as there is memory for."""
        before = BufferSnapshot(self.method.buffers() if self.halve else ())
        while True:
            try:
                return self._gradient(shown, update, optimiser)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                tried = min(self.most, len(shown.image))
                if tried == 1 or not self.halve:
                    raise OutOfMemory(tried, error) from error
                self.most = tried // 2
            console.print(f"No memory for {tried} images at a time; going on with {self.most}.")
            before.restore()
            shown.let_go()
            torch.cuda.empty_cache()

    def _gradient(self, shown: SharedBatch, update: Update, optimiser: Optimizer) -> dict[str, Tensor]:
        optimiser.zero_grad()
        values: dict[str, Tensor] = {}
        for ctx in shown.loss_contexts(update, self.most):
            share = len(ctx.image) / self.batch
            found = {name: self.terms[name](ctx) for name in update.losses}
            total = torch.stack([weight * share * found[name] for name, weight in update.losses.items()]).sum()
            ctx.clear_cache()  # backbones' features are large, and the graph keeps what it needs of them
            self.fabric.backward(total)
            found = {name: value.detach() for name, value in found.items()}
            values = found if share == 1 else {name: values.get(name, 0) + share * found[name] for name in found}
        return values

    @contextmanager
    def _others_fixed(self, update: Update) -> Iterator[None]:
        """No gradient is wanted of other networks, but for the generator, whose painting several updates share."""
        names = [name for name in self.networks if name not in (update.network, "generator")]
        others: list[nn.Module] = [getattr(self.method, name) for name in names]
        for other in others:
            other.requires_grad_(False)
        yield
        for other in others:
            other.requires_grad_(True)
