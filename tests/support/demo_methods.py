"""Training-free methods for the page."""

import torch

from bench_core.methods import Method
from bench_core.specs import Model

TRACER = Model("tracer", "Predicts the sketch", "Nobody.", "demo_methods:Tracer.build", guide="demo_methods:nothing")
GREEDY = Model("greedy", "Runs out of memory", "Nobody.", "demo_methods:Greedy.build")
BROKEN = Model("broken", "Has a bug", "Nobody.", "demo_methods:Broken.build")
PICKY = Model("picky", "Takes 32 x 32 pixels", "Nobody.", "demo_methods:Tracer.build", fixed_size={"paper": 32})


class Tracer(Method):
    @classmethod
    def build(cls, scale: str, channels: int) -> Method:
        return cls()

    def predict(self, masked, hole, *guidance):
        return guidance[0].expand_as(masked)


class Greedy(Tracer):
    def predict(self, masked, hole, *guidance):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")


class Broken(Tracer):
    def predict(self, masked, hole, *guidance):
        return masked / (1 // 0)


def nothing(device):
    return lambda image: torch.zeros_like(image[:, :1])
