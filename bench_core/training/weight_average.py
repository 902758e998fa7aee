"""The average of a generator's weights over a training."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from bench_core.recipe import Average


class WeightAverage:
    """Exponential moving average of a network's parameters. Buffers, such as batch norm's statistics, are copied."""

    def __init__(self, network: nn.Module, average: Average, batch: int) -> None:
        self.network, self.average, self.batch = network, average, batch
        self.state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        own = network.state_dict(keep_vars=True)
        self._parameters = [name for name, tensor in own.items() if isinstance(tensor, nn.Parameter)]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the network's weights as they are after a step."""
        last, kept = self.network.state_dict(), self.average.kept(step, self.batch)
        averaged = [self.state[name] for name in self._parameters]
        torch._foreach_lerp_(averaged, [last[name] for name in self._parameters], 1 - kept)
        for name in last.keys() - set(self._parameters):
            self.state[name].copy_(last[name])

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Continue from a checkpoint."""
        for name, tensor in state.items():
            self.state[name].copy_(tensor)

    def apply(self) -> None:
        """Give the network the averaged weights."""
        self.network.load_state_dict(self.state)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the network the averaged weights inside."""
        last = {name: tensor.detach().clone() for name, tensor in self.network.state_dict().items()}
        self.apply()
        try:
            yield
        finally:
            self.network.load_state_dict(last)
