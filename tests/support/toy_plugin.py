"""A plugin whose models use everything that a record can ask of the harness."""

from dataclasses import replace

import torch
from torch import nn

from bench_core import Loss, Metric, Model, Optimiser, Phase, Recipe, Update, hookimpl
from bench_core.errors import BadInput
from bench_core.methods import Method, MethodOutput

SIDE = 16
"""Half of the small world's images."""


@hookimpl
def bench_models():
    toy = Model(
        "toy",
        "A toy",
        "Nobody, nowhere.",
        "bench_toy:build",
        Recipe(
            (Phase("train", ((Update("generator", Optimiser("SGD", {"lr": 0.1}), {"l1": 1.0, "far": 0.5}),),)),), "0"
        ),
        options={"bias": True, "start": 0.5},
    )
    return [
        toy,
        replace(toy, name="toy:picky", supports_hole="bench_toy:supports_hole"),
        replace(toy, name="toy:guided", build="bench_toy:build_guided", guide="bench_toy:Brightness"),
        replace(toy, name="toy:black", postprocess="bench_toy:blacken", shares_weights_with="toy"),
        replace(toy, name="toy:tiny", fixed_size={"paper": 8, "nano": 8}),
    ]


@hookimpl
def bench_losses():
    return [Loss("far", "distance from a level", "bench_toy:far", parameters={"level": 0.25})]


@hookimpl
def bench_metrics():
    made = {"features": "means", "fewest_images": 2, "compare": "bench_toy:apart"}
    return [Metric("mean@toy", "mean", "", "lower", "bench_toy:Means", per="set", **made)]


class Means:
    def __init__(self, device):
        self.device = device

    def __call__(self, pictures):
        return pictures.mean((2, 3))


def apart(found, truth):
    return float(abs(found.mean(0) - truth.mean(0)).max())


def far(ctx, level):
    return (ctx.prediction - level).abs().mean()


class Toy(Method):
    def __init__(self, channels, bias, start, guidance=0):
        super().__init__()
        self.generator = nn.Conv2d(channels + 1 + guidance, channels, 1, bias=bias)
        nn.init.constant_(self.generator.weight, start)
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, masked, hole, *guidance):
        return MethodOutput(self.generator(torch.cat([masked, hole, *guidance], 1)))

    def predict(self, masked, hole, *guidance):
        return self(masked, hole, *guidance).prediction.clamp(0, 1)

    def calibrate(self, images):
        self.mean = next(images).mean()


def build(scale, channels, bias, start):
    if start > 1:
        raise BadInput(f"toy.start is {start}; give at most 1.")
    return Toy(channels, bias, start)


def build_guided(scale, channels, bias, start):
    return Toy(channels, bias, start, guidance=1)


def supports_hole(hole):
    inside = hole[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2].sum() == hole.sum()
    return "" if inside else "fills holes in the middle only"


class Brightness:
    name = "brightness"

    def __init__(self, device):
        self.device = device

    def __call__(self, image):
        return image.mean(1, keepdim=True)


def blacken(masked, hole, prediction):
    return prediction * (1 - hole)
