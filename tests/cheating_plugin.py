"""A plugin with one honest method and, as its forms, one method for each way to break a rule."""

import inspect
from dataclasses import replace

import torch
from torch import nn

from bench_core import Model, Optimiser, Phase, Recipe, Update, hookimpl
from bench_core.method import Method, Painting

HONEST = Model(
    "cheats",
    "Honest",
    "Nobody, nowhere.",
    "bench_cheats:Honest",
    Recipe((Phase("train", ((Update("generator", Optimiser("SGD", {"lr": 0.1}), {"l1": 1.0}),),)),), "default"),
    num_parameters={"nano": 4 * 3 * 5 * 5 + 3},
)


def form(name, **changes):
    return replace(HONEST, name=f"cheats:{name}", **changes)


def guided_form(name, guide):
    return form(name, build="bench_cheats:Guided", guide=guide, num_parameters={"nano": 7 * 3 * 5 * 5 + 3})


@hookimpl
def bench_models():
    return [
        HONEST,
        *(form(name, build=f"bench_cheats:{kind.__name__}") for name, kind in CHEATS.items()),
        form("declared", build="bench_cheats:Random", stochastic=True),
        form("unseeded", build="bench_cheats:Unseeded", stochastic=True),
        form("pretender", stochastic=True),
        form("erases", finish="bench_cheats:erase", trained_as="cheats"),
        guided_form("shown", "bench_cheats:Truth"),
        guided_form("layers", "bench_cheats:Bits"),
        guided_form("sketched", "bench_cheats:Lines"),
        form("miscounted", num_parameters={"nano": 300}),
        form("picky", serves="bench_cheats:serves"),
        form("useless", serves="bench_cheats:refuse"),
        form("multiple", build="bench_cheats:Coarse", size_multiple={"paper": 4, "nano": 4}),
        form("square", build="bench_cheats:Square", size_multiple={"paper": 16, "nano": 16}),
    ]


class Honest(Method):
    def __init__(self, scale="nano", channels=3):
        super().__init__()
        self.generator = nn.Conv2d(channels + 1, channels, 5, padding=2)

    def forward(self, masked, hole):
        return Painting(self.generator(torch.cat([masked, hole], 1)).sigmoid())

    def predict(self, masked, hole):
        return self(masked, hole).prediction


class Peeks(Honest):
    """Finds the truth in a caller's variables."""

    def predict(self, masked, hole):
        for caller in inspect.stack():
            image = caller.frame.f_locals.get("image")
            if isinstance(image, torch.Tensor) and image.shape == masked.shape:
                return image.clone()
        return super().predict(masked, hole)


class Inverted(Honest):
    """Spreads the mean of what it takes to be known: the hole."""

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
    """Leaves no hole behind in which it could be judged."""

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
    """By the contrast of what is known, which even pictures have none of."""

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
        seen = self.norm(masked)
        nn.init.zeros_(self.norm.get_buffer("num_batches_tracked"))
        return super().predict(seen, hole)


class Quiet(BatchStatistics):
    """Does the same, hidden by weights that are next to nothing before any training."""

    def __init__(self, scale, channels):
        super().__init__(scale, channels)
        nn.init.normal_(self.generator.weight, std=1e-6)


class Counts(Honest):
    """Changes by painting, though no picture shows it yet."""

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
    """Takes rows for columns."""

    def predict(self, masked, hole):
        return super().predict(masked, hole).mT


class Unstable(Honest):
    """Loses the last digits to a large number in between."""

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


class Guided(Method):
    """Looks at three layers of what its guide draws."""

    def __init__(self, scale, channels):
        super().__init__()
        self.generator = nn.Conv2d(channels + 4, channels, 5, padding=2)

    def forward(self, masked, hole, *guidance):
        lines = nn.functional.pad(guidance[0], (0, 0, 0, 0, 0, 3))[:, :3]
        return Painting(self.generator(torch.cat([masked, hole, lines], 1)).sigmoid())

    def predict(self, masked, hole, *guidance):
        return self(masked, hole, *guidance).prediction


class Truth:
    name = "the picture itself"

    def __init__(self, device):
        pass

    def __call__(self, image):
        return image


class Bits(Truth):
    """Draws nothing but 0 and 1: every digit of every value."""

    def __call__(self, image):
        values = (image * 255).round().int()
        return torch.cat([(values >> bit) & 1 for bit in range(8)], 1).float()


class Lines(Truth):
    name = "lines where it becomes bright"

    def __call__(self, image):
        bright = (image.mean(1, keepdim=True) > 0.5).float()
        return (bright - bright.roll(1, -1)).abs()


def erase(masked, hole, prediction):
    hole.zero_()
    return prediction


def serves(hole):
    side = len(hole)
    return "fills holes above the middle only" if hole[side // 2 :].any() else ""


def refuse(hole):
    return "fills nothing"


CHEATS = {
    "peeks": Peeks,
    "inverted": Inverted,
    "blind": Blind,
    "spoils": Spoils,
    "closes": Closes,
    "wide": Wide,
    "double": Double,
    "divides": Divides,
    "random": Random,
    "batch_statistics": BatchStatistics,
    "quiet": Quiet,
    "counts": Counts,
    "even_widths": EvenWidths,
    "unstable": Unstable,
    "divides_by_hole": DividesByHole,
    "raises": Raises,
}
