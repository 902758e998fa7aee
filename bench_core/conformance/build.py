"""Building the method that is checked."""

from pathlib import Path
from typing import cast

import torch
from torch import nn

from bench_core.conformance.method_under_test import MethodUnderTest
from bench_core.errors import BadInput
from bench_core.methods.method import Method
from bench_core.methods.pretrained import weights_of
from bench_core.plugins import Plugins
from bench_core.specs import Model, Scale, resolve
from bench_core.system.devices import open_fabric
from bench_core.weights import weight_file


def open_subject(name: str, weights: Path | None, scale: str | None, device: str) -> MethodUnderTest:
    """Build a method by its name, with given weights or with seeded random ones.

    Raises:
        BadInput: no such method is installed, its plugin is broken, it has no such scale, or the weights are another's.
    """
    plugins = Plugins.find()
    plugins.load({name.partition(":")[0]} & set(plugins.installed), strict=True)
    model = plugins.model(name)
    facts = weights_of(model, weights) if weights else {}
    chosen = _scale(model, scale, facts.get("scale"))
    channels = facts.get("channels", model.channels[-1])
    where = open_fabric(device).device
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        method = resolve(model.build)(chosen, channels, **model.options | facts.get("options", {}))
    if weights:
        weight_file.load_weights(weights, method)
    elif model.recipe:
        _draw_weights(method)
    return MethodUnderTest(plugins, model, chosen, channels, method.to(where).eval(), where)


def _draw_weights(method: Method) -> None:
    """Large enough (He et al., ICCV 2015) that all shows: what trainings begin with often paints an even grey."""
    drawn = torch.Generator().manual_seed(0)
    for weight in method.generator.parameters():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight, generator=drawn)


def _scale(model: Model, asked: str | None, of_weights: str | None) -> Scale:
    """The scale asked for, that of the weights, or the model's smallest."""
    if asked and of_weights and asked != of_weights:
        raise BadInput(f"The weights are of scale {of_weights!r}, not {asked!r}; leave out --scale.")
    chosen = asked or of_weights or ("nano" if "nano" in model.scales else model.scales[0])
    if chosen not in model.scales:
        raise BadInput(f"{model.name} has no scale {chosen!r}, only {', '.join(model.scales)}.")
    return cast(Scale, chosen)
