"""A method and two metrics of sets that count how often they look at pictures."""

import torch

from bench_core import Metric, Model, hookimpl
from bench_core.methods import Method

LOOKS = {"predict": 0, "features": 0, "built": 0}


@hookimpl
def bench_models():
    return [Model("counting", "Grey", "Nobody, nowhere.", "bench_counting:build")]


@hookimpl
def bench_metrics():
    common = {"per": "set", "features": "colours", "fewest_images": 2}
    return [
        Metric("shift@toy", "shift", "", "lower", "bench_counting:Colours", compare="bench_counting:shift", **common),
        Metric("worst@toy", "worst", "", "lower", "bench_counting:Colours", compare="bench_counting:worst", **common),
    ]


def build(scale, channels):
    return Counting()


class Counting(Method):
    def predict(self, masked, hole):
        LOOKS["predict"] += 1
        return torch.full_like(masked, 0.5)


class Colours:
    """The mean colour of each picture."""

    def __init__(self, device):
        LOOKS["built"] += 1

    def __call__(self, pictures):
        LOOKS["features"] += len(pictures)
        return pictures.mean((2, 3))


def shift(found, truth):
    return float(abs(found.mean(0) - truth.mean(0)).max())


def worst(found, truth):
    return float(abs(found - truth).max())
