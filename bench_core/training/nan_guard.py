"""Detects NaN or infinite losses and gradients without synchronising the device at every step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from bench_core.recipe import Update


class NonFiniteError(RuntimeError):
    """A loss or gradient is NaN or infinite. Nothing was saved since."""


@dataclass
class NanGuard:
    """The updates since the last check, still on the device."""

    _noted: list[tuple[int, Update, dict[str, Tensor], Tensor]] = field(default_factory=list)

    def note(self, step: int, update: Update, values: Mapping[str, Tensor], gradients: Iterable[Tensor]) -> None:
        """Note one update: the detached values of its loss terms, and the gradients of their sum."""
        gradients = list(gradients)
        worst = torch.stack([*values.values(), *([get_total_norm(gradients)] if gradients else [])]).sum()
        self._noted.append((step, update, dict(values), worst))

    def check(self) -> None:
        """Wait for the device, and check every noted update.

        Raises:
            NonFiniteError: names the term and the step.
        """
        noted, self._noted = self._noted, []
        if noted and not torch.stack([worst for *_, worst in noted]).isfinite().all():
            raise NonFiniteError(next(_message(*one) for one in noted if not one[-1].isfinite()))


def _message(step: int, update: Update, values: Mapping[str, Tensor], worst: Tensor) -> str:
    bad = [name for name, value in values.items() if not value.isfinite()]
    what = f"the loss term {', '.join(bad)}" if bad else f"the gradient of {' + '.join(values)}"
    return f"{what} of the {update.network} became NaN or infinite at step {step}"
