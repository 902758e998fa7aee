"""Noticing that a loss or gradient is no number any more, without making the device wait at every step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from bench_core.recipe import Update


class NonFiniteError(RuntimeError):
    """A loss or gradient became infinite or no number; nothing was saved since."""


@dataclass
class NanGuard:
    """What the updates since the last check have found, still on the device."""

    _noted: list[tuple[int, Update, dict[str, Tensor], Tensor]] = field(default_factory=list)

    def note(self, step: int, update: Update, values: Mapping[str, Tensor], gradients: Iterable[Tensor]) -> None:
        """Remember one update: the values of its loss terms, without gradient, and any gradient of their sum."""
        found = list(gradients)
        worst = torch.stack([*values.values(), *([get_total_norm(found)] if found else [])]).sum()
        self._noted.append((step, update, dict(values), worst))

    def check(self) -> None:
        """Wait for the device, and look at all that was noted.

        Raises:
            NonFinite: says which term, at which step.
        """
        noted, self._noted = self._noted, []
        if noted and not torch.stack([worst for *_, worst in noted]).isfinite().all():
            raise NonFiniteError(next(_told(*one) for one in noted if not one[-1].isfinite()))


def _told(step: int, update: Update, values: Mapping[str, Tensor], worst: Tensor) -> str:
    bad = [name for name, value in values.items() if not value.isfinite()]
    what = f"the loss term {', '.join(bad)}" if bad else f"the gradient of {' + '.join(values)}"
    return f"{what} of the {update.network} became infinite or no number at step {step}"
