"""A model as the user wants it trained: with loss terms added or dropped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bench_core.errors import BadInput, unknown
from bench_core.specs import Loss, Model, Phase, Update


@dataclass(frozen=True)
class Variant:
    """A model whose recipe has been changed, and the name that tells so."""

    model: Model
    name: str
    losses: Mapping[str, Loss]
    """Every loss term that the recipe uses."""

    @property
    def backbones(self) -> list[str]:
        """The pretrained networks that the losses look through."""
        return sorted({loss.backbone for loss in self.losses.values() if loss.backbone})


def vary(
    models: Iterable[Model], public: Mapping[str, Loss], added: Mapping[str, float], dropped: Sequence[str]
) -> list[Variant]:
    """Add and drop loss terms of the generator, in every phase of every model that has such terms.

    Raises:
        BadInput: a term to add is unknown, one to drop is in no recipe, or a recipe would lose its last term.
    """
    models = list(models)
    for name in added:
        if name not in public and not all(name in _private(model) for model in models if model.recipe):
            raise unknown("loss term", name, public)
    used = {name for model in models for name in _terms(model)}
    for name in dropped:
        if name not in used:
            raise unknown("loss term in these recipes", name, used)
    return [_variant(model, public, added, dropped) for model in models]


def _variant(model: Model, public: Mapping[str, Loss], added: Mapping[str, float], dropped: Sequence[str]) -> Variant:
    if model.recipe is None:
        return Variant(model, model.name, {})
    gone = [name for name in dropped if name in _terms(model)]
    name = (
        model.name + "".join(f"+{key}={weight:g}" for key, weight in added.items()) + "".join(f"-{key}" for key in gone)
    )

    def change(update: Update) -> Update:
        if update.network != "generator":
            return update
        losses = {key: weight for key, weight in update.losses.items() if key not in gone} | dict(added)
        if not losses:
            raise BadInput(f"Without {', '.join(gone)} nothing would be left to train {model.name} with.")
        return replace(update, losses=losses)

    phases = tuple(_map(phase, change) for phase in model.recipe.phases)
    changed = replace(model, recipe=replace(model.recipe, phases=phases))
    known = {**public, **_private(model)}
    for term in _every_term(changed):
        if term not in known:
            raise unknown(f"loss term (wanted by the recipe of {model.name})", term, known)
    return Variant(changed, name, {term: known[term] for term in _every_term(changed)})


def _map(phase: Phase, change) -> Phase:
    return replace(phase, rounds=tuple(tuple(change(update) for update in one) for one in phase.rounds))


def _private(model: Model) -> dict[str, Loss]:
    return {loss.name: loss for loss in model.losses}


def _updates(model: Model) -> list[Update]:
    return [update for phase in model.recipe.phases for update in phase.updates] if model.recipe else []


def _terms(model: Model) -> dict[str, None]:
    """Names of the terms that train the generator."""
    return {name: None for update in _updates(model) if update.network == "generator" for name in update.losses}


def _every_term(model: Model) -> dict[str, None]:
    return {name: None for update in _updates(model) for name in update.losses}
