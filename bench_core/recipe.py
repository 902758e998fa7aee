"""Records of a training recipe. Nothing here imports torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Schedule:
    """Learning rate over a training, in parts of the first one."""

    points: tuple[tuple[float, float], ...]
    """Pairs of progress, from 0 at the first step to 1 behind the last, and factor. Before the first point it is 1."""
    linear: bool = True
    """Change linearly between points; False keeps each factor up to the next point."""

    def factor(self, progress: float) -> float:
        """Return the factor of the learning rate at a progress in [0, 1]."""
        start, before = 0.0, 1.0
        for end, after in self.points:
            if progress < end:
                return before + (after - before) * (progress - start) / (end - start) if self.linear else before
            start, before = end, after
        return before


@dataclass(frozen=True)
class Optimiser:
    """An optimiser of `torch.optim`."""

    name: str
    """Class name, such as ``"Adam"``."""
    settings: Mapping[str, Any]
    """Keyword arguments of the class, such as ``{"lr": 1e-4}``."""
    schedule: Schedule | None = None
    """Change of the learning rate over the training; None keeps it."""
    max_norm: float | None = None
    """Longest norm of the gradient of all weights together, to which a longer one is scaled; None keeps it."""


def lazy(adam: Optimiser, every: int) -> Optimiser:
    """Correct Adam for a network that takes a further step, such as R1's, after every `every` steps.

    Karras et al. (CVPR 2020, Appendix B): with c = every / (every + 1), the rate is multiplied by c, and the betas are
    raised to the power c.
    """
    c = every / (every + 1)
    corrected = {"lr": adam.settings["lr"] * c, "betas": tuple(beta**c for beta in adam.settings["betas"])}
    return replace(adam, settings={**adam.settings, **corrected})


@dataclass(frozen=True)
class Update:
    """One optimiser step on one network."""

    network: str
    """Name of the child module of the `Method`, such as ``"generator"``, or of a part of it: ``"generator.edges"``."""
    optimiser: Optimiser
    losses: Mapping[str, float]
    """Weight of each loss term, by the term's name. The step minimises the weighted sum."""
    every: int = 1
    """Take the step in every N-th step of the training only, from the first on."""

    @property
    def child(self) -> str:
        """Name of the child module of the `Method` that is trained, whole or in part."""
        return self.network.partition(".")[0]

    @property
    def trains_generator(self) -> bool:
        """Whether the generator, or a part of it, is trained, so that the prediction needs its gradient."""
        return self.child == "generator"


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Each round draws one batch. Its updates run in order and share that batch.
    """

    name: str
    rounds: tuple[tuple[Update, ...], ...]
    share: float = 1.0
    """Part of the training budget, relative to the shares of the other phases."""
    own_optimisers: bool = False
    """Start with new optimisers, as papers do that train each phase in a run of its own. False goes on with those of
    equal updates in other phases."""

    @property
    def updates(self) -> tuple[Update, ...]:
        """All updates of all rounds, in order."""
        return tuple(update for one_round in self.rounds for update in one_round)


@dataclass(frozen=True)
class Average:
    """Exponential moving average of the generator's weights, evaluated and stored in place of the last ones."""

    decay: float = 0.999
    """Share of the average that stays in each step."""
    half_life: float | None = None
    """Thousands of images after which half of the average stays, in place of `decay`."""
    ramp: float | None = None
    """Limit the half-life to this share of the images so far; None does not."""

    def kept(self, step: int, batch: int) -> float:
        """Return the share of the average that stays in a step, which counts from 0."""
        if self.half_life is None:
            return self.decay
        images = 1000 * self.half_life
        if self.ramp is not None:
            images = min(images, self.ramp * step * batch)
        return 0.5 ** (batch / max(images, 1e-8))


@dataclass(frozen=True)
class Recipe:
    """The training recipe of a paper."""

    phases: tuple[Phase, ...]
    initialisation: str
    """Weight initialisation in words, for readers; the networks apply it themselves."""
    batch: int | None = None
    """Batch size in the paper, for readers; a run uses the protocol's."""
    steps: int | None = None
    """Number of steps in the paper, for readers; None if unknown. A run uses the protocol's."""
    average: Average | None = None
    """Average of the generator's weights; None evaluates the last ones."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the child modules that are trained, whole or in part, in order of first appearance."""
        return tuple(dict.fromkeys(update.child for phase in self.phases for update in phase.updates))

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain data that can be stored and hashed."""
        return asdict(self)
