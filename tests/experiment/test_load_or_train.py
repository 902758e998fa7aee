"""Laws of the weights that a training starts from."""

from typing import Any
from unittest.mock import Mock

import pytest
import torch

from bench_core.experiment.context import RunContext
from bench_core.experiment.load_or_train import _build
from bench_core.experiment.options import RuntimeConfig
from bench_core.methods.variants import apply_overrides
from bench_core.plugins import Plugins
from bench_core.protocol import load

PLUGINS = Plugins.all()
TRAINED = [name for name, model in PLUGINS.records("models").items() if model.recipe and ":" not in name]


@pytest.mark.parametrize("name", TRAINED)
def test_initial_weights_depend_on_the_training_seed_alone(name: str):
    protocol = load("quick").override({"scale": "nano"})
    device = torch.device("cpu")
    context: Any = Mock(spec=RunContext, protocol=protocol, device=device, runtime=RuntimeConfig())
    variant = apply_overrides(PLUGINS.model(name), PLUGINS.records("losses"))

    def weights(seed: int) -> torch.Tensor:
        torch.rand(seed + 1)  # others may draw, too
        return torch.cat([p.flatten() for p in _build(context, variant, seed, None).parameters()])

    one, other, again = weights(0), weights(1), weights(0)
    assert torch.equal(one, again)
    # biases and norms start from constants
    assert (one != other).float().mean() > 0.5
