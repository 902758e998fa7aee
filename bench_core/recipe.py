"""Records of a training recipe. Nothing here imports torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Optimiser:
    """An optimiser of `torch.optim`."""

    name: str
    """Class name, such as ``"Adam"``."""
    settings: Mapping[str, Any]
    """Keyword arguments of the class, such as ``{"lr": 1e-4}``."""


@dataclass(frozen=True)
class Update:
    """One optimiser step on one network."""

    network: str
    """Name of the child module of the `Method`, such as ``"generator"``."""
    optimiser: Optimiser
    losses: Mapping[str, float]
    """Weight of each loss term, by the term's name. The step minimises the weighted sum."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Each round draws one batch. Its updates run in order and share that batch.
    """

    name: str
    rounds: tuple[tuple[Update, ...], ...]
    share: float = 1.0
    """Part of the training budget, relative to the shares of the other phases."""

    @property
    def updates(self) -> tuple[Update, ...]:
        """All updates of all rounds, in order."""
        return tuple(update for one_round in self.rounds for update in one_round)


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

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the trained networks, in order of first appearance."""
        return tuple(dict.fromkeys(update.network for phase in self.phases for update in phase.updates))

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain data that can be stored and hashed."""
        return asdict(self)
