"""An honest network, and one for each way to break a rule."""

import inspect

import torch
from torch import nn

from bench_core.methods import Method, MethodOutput


class Honest(Method):
    def __init__(self, scale="nano", channels=3):
        super().__init__()
        self.generator = nn.Conv2d(channels + 1, channels, 5, padding=2)

    def forward(self, masked, hole):
        return MethodOutput(self.generator(torch.cat([masked, hole], 1)).sigmoid())

    def predict(self, masked, hole):
        return self(masked, hole).prediction


class Peeks(Honest):
    """Finds the ground truth in the variables of a caller."""

    def predict(self, masked, hole):
        for caller in inspect.stack():
            image = caller.frame.f_locals.get("image")
            if isinstance(image, torch.Tensor) and image.shape == masked.shape:
                return image.clone()
        return super().predict(masked, hole)


class Inverted(Honest):
    """Predicts the mean of the hole, as if it were the known part."""

    def predict(self, masked, hole):
        return ((masked * hole).sum((2, 3), keepdim=True) / hole.sum((2, 3), keepdim=True).clamp(min=1)).expand_as(
            masked
        )


class Blind(Honest):
    def predict(self, masked, hole):
        return torch.full_like(masked, 0.5)


class Spoils(Honest):
    def predict(self, masked, hole):
        return super().predict(masked.sub_(0.5), hole)


class Closes(Honest):
    """Erases the hole, so that nothing is left to evaluate."""

    def predict(self, masked, hole):
        prediction = super().predict(masked, hole)
        hole.zero_()
        return prediction


class Wide(Honest):
    def predict(self, masked, hole):
        return 2 * super().predict(masked, hole) - 1


class Double(Honest):
    def predict(self, masked, hole):
        return super().predict(masked, hole).double()


class Divides(Honest):
    """Divides by the contrast, which is zero for constant images."""

    def predict(self, masked, hole):
        contrast = masked.std((1, 2, 3), keepdim=True)
        return super().predict(masked / contrast, hole)


class Random(Honest):
    def predict(self, masked, hole):
        return (super().predict(masked, hole) + torch.rand_like(masked) / 8).clamp(0, 1)


class Unseeded(Honest):
    def predict(self, masked, hole):
        own = torch.Generator()
        own.seed()
        return (super().predict(masked, hole) + torch.rand(masked.shape, generator=own) / 8).clamp(0, 1)


class BatchStatistics(Honest):
    def __init__(self, scale, channels):
        super().__init__(scale, channels)
        self.norm = nn.BatchNorm2d(channels, momentum=0.0)

    def predict(self, masked, hole):
        self.train()
        normed = self.norm(masked)
        nn.init.zeros_(self.norm.get_buffer("num_batches_tracked"))
        return super().predict(normed, hole)


class Quiet(BatchStatistics):
    """Does the same, hidden by tiny initial weights."""

    def __init__(self, scale, channels):
        super().__init__(scale, channels)
        nn.init.normal_(self.generator.weight, std=1e-6)


class Counts(Honest):
    """Changes a buffer in predict, without effect on the prediction."""

    def __init__(self, scale, channels):
        super().__init__(scale, channels)
        self.register_buffer("seen", torch.zeros(()))

    def predict(self, masked, hole):
        self.seen += 1
        return super().predict(masked, hole)


class Coarse(Honest):
    """Works for multiples of 8."""

    def predict(self, masked, hole):
        small = nn.functional.avg_pool2d(super().predict(masked, hole), 8)
        return nn.functional.interpolate(small, scale_factor=8)


class EvenWidths(Honest):
    def predict(self, masked, hole):
        halves = super().predict(masked, hole)[..., ::2]
        return halves[..., : masked.shape[-1] // 2].repeat_interleave(2, -1)


class Square(Honest):
    """Swaps rows and columns."""

    def predict(self, masked, hole):
        return super().predict(masked, hole).mT


class Unstable(Honest):
    """Loses digits by adding a large number."""

    def predict(self, masked, hole):
        return (super().predict(masked, hole) + 1e5 - 1e5).clamp(0, 1)


class DividesByHole(Honest):
    def predict(self, masked, hole):
        return super().predict(masked, hole) * hole.sum() / hole.sum()


class Raises(Honest):
    def predict(self, masked, hole):
        if not masked.any():
            raise RuntimeError("I do not paint black")
        return super().predict(masked, hole)
