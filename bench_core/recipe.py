"""Records of how a method is trained. Nothing here imports torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Optimiser:
    """An optimiser of `torch.optim` by name, with its keyword arguments."""

    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Update:
    """One optimiser step of one network: loss terms by name with their weights."""

    network: str
    optimiser: Optimiser
    losses: Mapping[str, float]


@dataclass(frozen=True)
class Phase:
    """A stretch of training. Each round draws one batch, and its updates, taken in order, share that batch."""

    name: str
    rounds: tuple[tuple[Update, ...], ...]
    share: float = 1.0
    """Part of the training budget, relative to the other phases."""

    @property
    def updates(self) -> tuple[Update, ...]:
        return tuple(update for one_round in self.rounds for update in one_round)


@dataclass(frozen=True)
class Recipe:
    """How a method is trained, as its paper says it."""

    phases: tuple[Phase, ...]
    initialisation: str
    batch: int | None = None
    """The paper's own batch; what a run uses is the protocol's."""
    steps: int | None = None
    """The paper's own number of steps, where it is known; what a run uses is the protocol's."""

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the trained networks, in the order in which they first appear."""
        return tuple(dict.fromkeys(update.network for phase in self.phases for update in phase.updates))

    def as_dict(self) -> dict[str, Any]:
        """As plain data, to be stored and hashed."""
        return asdict(self)
