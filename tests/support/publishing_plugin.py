"""A plugin with published weights in several layouts."""

from dataclasses import replace

import torch
from torch import nn

from bench_core import Checkpoint, Model, Optimiser, Phase, Recipe, Update, hookimpl
from bench_core.methods import Method
from bench_core.methods.convert_weights import TensorMapping

RECIPE = Recipe((Phase("all", ((Update("generator", Optimiser("Adam", {}), {"hole_l1": 1.0}),),)),), "default")
FOREIGN = {"conv": "a", "norm": "b"}


class Generator(nn.Module):
    def __init__(self, negative, bias):
        super().__init__()
        self.conv, self.norm, self.negative = nn.Conv2d(4, 3, 3, padding=1, bias=bias), nn.BatchNorm2d(3), negative

    def forward(self, masked, hole):
        canvas = self.norm(self.conv(torch.cat([masked, hole], dim=1)))
        return -canvas if self.negative else canvas


def build(scale, channels, negative, bias):
    method = Method()
    method.generator, method.discriminator = Generator(negative, bias), nn.Linear(2, 2)
    return method


def rename(key):
    layer, _, kind = key.partition(".")
    return TensorMapping((f"{FOREIGN[layer]}.{kind}",))


def rename_parallel(key):
    return TensorMapping(("module.inner." + rename(key).names[0],))


def part(key):
    return TensorMapping((("x." if key.startswith("conv.") else "y.") + key,))


def halves(key):
    if key == "conv.weight":
        return TensorMapping(("left", "right"), lambda left, right: torch.cat([left, right], dim=1))
    return rename(key)


def build_counter(scale, channels):
    method = Method()
    method.generator = nn.ModuleDict({f"conv{i}": nn.Conv2d(i, 2, (3, 2)) for i in (1, 2, 3)})
    return method


def kernels(key):
    name = "inpaint_net/" + key.replace(".", "/").replace("weight", "kernel")
    return TensorMapping((name,), lambda tensor: tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor)


DROPPED = {"critic.*": "another network", "a.weight_u": "state of a norm"}
PLAIN = Checkpoint("plain", "weights of A.", "a.org", "bench_toy:rename", "state_dict", DROPPED)
PARALLEL = Checkpoint("parallel", "weights of B.", "b.org", "bench_toy:rename_parallel", "", DROPPED)
HALVES = Checkpoint("halves", "weights of C.", "c.org", "bench_toy:halves", "", {}, {"bias": False})
PARTED = replace(PLAIN, name="parted", translate="bench_toy:part", parts={"x": "conv.pth", "y": "norm.pth"})
COUNTED = Checkpoint(
    "tf",
    "counts",
    "TensorFlow",
    "bench_toy:kernels",
    dropped={"types/*": "a type", "global_step": "a count", "empty": "nothing"},
)


@hookimpl
def bench_models():
    toy = Model(
        "toy",
        "T",
        "C",
        "bench_toy:build",
        RECIPE,
        checkpoints=(PLAIN, PARALLEL, HALVES),
        options={"negative": False, "bias": True},
    )
    twins = (PLAIN, replace(PLAIN, name="inverse", options={"negative": True}))
    return [
        toy,
        replace(toy, name="toy:twin", checkpoints=twins),
        replace(toy, name="toy:parted", checkpoints=(PARTED, PLAIN)),
        replace(toy, name="toy:polished", shares_weights_with="toy"),
        Model("counter", "T", "C", "bench_toy:build_counter", RECIPE, checkpoints=(COUNTED,)),
    ]
