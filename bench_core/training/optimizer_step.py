"""One optimiser step of one network, from the gradient of a whole batch.

Losses are means over images, so each micro-batch is weighted by its share of the batch. Layers that compare the images
of a batch with each other, such as batch norm, see one micro-batch at a time.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from bench_core.methods.method import LossContext, Method
from bench_core.recipe import Update
from bench_core.system.process_group import ProcessGroup
from bench_core.system.progress import console
from bench_core.training.micro_batches import BufferSnapshot, OutOfMemory, SharedBatch, is_out_of_memory
from bench_core.training.nan_guard import NanGuard

Terms = Mapping[str, Callable[[LossContext], Tensor]]


@dataclass
class OptimizerStep:
    """The optimiser steps of a training, taken one after the other and on all ranks alike."""

    fabric: Fabric
    method: Method
    networks: tuple[str, ...]
    terms: Terms
    nan_guard: NanGuard
    group: ProcessGroup
    batch: int
    """Images of a step, on all ranks together."""
    micro_batch: int
    """Images at a time on one device."""
    auto_micro_batch: bool
    """Halve `micro_batch` on out-of-memory errors."""
    skipped: Tensor = field(init=False)
    """Updates left out because gradients of 16 bits were infinite, counted on the device."""
    _failure: Exception | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.skipped = torch.zeros((), dtype=torch.long, device=self.fabric.device)

    def __call__(
        self, next_batch: Callable[[], SharedBatch], update: Update, optimiser: Optimizer, step: int
    ) -> dict[str, Tensor]:
        """Take the optimiser's step, and return the values of the loss terms.

        A failure of one rank among several is raised by `raise_failures`. Until then its losses are NaN on all ranks.
        """
        network = self.method.get_submodule(update.network)
        values = {name: torch.full((), float("nan"), device=self.fabric.device) for name in update.losses}
        try:
            if self._failure is None:
                with self._others_frozen(update):
                    values = self._backward_in_micro_batches(next_batch(), update, optimiser)
        except Exception as error:
            if self.group.world_size == 1:
                raise
            self._failure = error
        if self.group.world_size > 1:
            gradients = (torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters())
            self.group.all_reduce_sum([*gradients, *values.values()])
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        if getattr(self.fabric.strategy.precision, "scaler", None) is not None:
            # a scaler of 16 bits skips steps whose gradients are infinite, and goes on with a smaller scale
            self.skipped += ~get_total_norm(gradients).isfinite()
            gradients = []
        self.nan_guard.note(step, update, values, gradients)
        if update.optimiser.max_norm is not None:
            longest = update.optimiser.max_norm
            self.fabric.clip_gradients(network, optimiser, max_norm=longest, error_if_nonfinite=False)
        optimiser.step()
        optimiser.zero_grad()  # now, because the next forward pass needs the memory
        return values

    def raise_failures(self) -> None:
        """Synchronise with the other ranks.

        Raises:
            Exception: the failure of this rank since the last call.
            bench_core.system.distributed.RemoteRankError: another rank failed.
        """
        self.group.gather(self._raise_failure)

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    def _backward_in_micro_batches(
        self, shared: SharedBatch, update: Update, optimiser: Optimizer
    ) -> dict[str, Tensor]:
        """Accumulate the gradient of a batch, as many images at a time as fit into memory."""
        before = BufferSnapshot(self.method.buffers() if self.auto_micro_batch else ())
        while True:
            optimiser.zero_grad()
            values: dict[str, Tensor] = {}
            try:
                for ctx in shared.loss_contexts(update, self.micro_batch):
                    share = len(ctx.image) / self.batch
                    losses = {name: self.terms[name](ctx) for name in update.losses}
                    total = torch.stack([weight * share * losses[name] for name, weight in update.losses.items()]).sum()
                    ctx.clear_cache()  # features are large, and the graph keeps what it needs of them
                    self.fabric.backward(total)
                    losses = {name: value.detach() for name, value in losses.items()}
                    values = losses if share == 1 else {n: values.get(n, 0) + share * losses[n] for n in losses}
                return values
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                tried = min(self.micro_batch, len(shared.image))
                if tried == 1 or not self.auto_micro_batch:
                    raise OutOfMemory(tried, error) from error
                self.micro_batch = tried // 2
            console.print(f"No memory for {tried} images at a time; going on with {self.micro_batch}.")
            before.restore()
            shared.free_graph()
            torch.cuda.empty_cache()

    @contextmanager
    def _others_frozen(self, update: Update) -> Iterator[None]:
        """Compute no gradient of other networks, except the generator, whose prediction several updates share."""
        names = [name for name in self.networks if name not in (update.child, "generator")]
        others: list[nn.Module] = [getattr(self.method, name) for name in names]
        for other in others:
            other.requires_grad_(False)
        yield
        for other in others:
            other.requires_grad_(True)
