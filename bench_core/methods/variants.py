"""A model as the user wants it trained: with loss terms added or dropped, and options changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench_core.errors import BadInput, unknown
from bench_core.recipe import Phase, Update
from bench_core.specs import Loss, Model

Public = Mapping[str, Loss]


@dataclass(frozen=True)
class Overrides:
    """What to change in a model, or in each of several where it applies."""

    added: Mapping[str, float] = field(default_factory=dict)
    """Loss terms of the generator with their weights."""
    dropped: Sequence[str] = ()
    """Loss terms of the generator."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Values, as text, by OWNER.OPTION; an owner is a method or a loss term."""

    def __or__(self, other: "Overrides") -> "Overrides":
        return Overrides(
            {**self.added, **other.added}, (*self.dropped, *other.dropped), {**self.options, **other.options}
        )


@dataclass(frozen=True)
class Variant:
    """A model that has been changed, and the name that tells so."""

    model: Model
    name: str
    losses: Public
    """Every loss term that the recipe uses."""
    shares_weights_with: str
    """The name of the variant whose training, and so whose weights, this one has."""
    weights: Path | None = None
    """Where weights are given, nothing is trained and the model has no recipe."""

    @property
    def backbones(self) -> list[str]:
        """The pretrained networks that the losses look through."""
        return sorted({loss.backbone for loss in self.losses.values() if loss.backbone})


def check(models: Iterable[Model], public: Public, changes: Overrides) -> None:
    """Make sure that every change applies to at least one of the models.

    Raises:
        BadInput: a term to add is unknown, one to drop is in no recipe, or an option is nobody's.
    """
    models = list(models)
    for name in changes.added:
        if name not in public and not all(name in _private(model) for model in models if model.recipe):
            raise unknown("loss term", name, public)
    used = {name for model in models for name in _terms(model)}
    for name in changes.dropped:
        if name not in used:
            raise unknown("loss term in these recipes", name, used)
    options = {f"{model.name.partition(':')[0]}.{name}" for model in models for name in model.options}
    terms = [public[term] for term in (used | set(changes.added)) & set(public)]
    terms += [loss for model in models for loss in model.losses]
    options |= {f"{loss.name}.{name}" for loss in terms for name in loss.parameters}
    for name in changes.options:
        if name not in options:
            raise unknown("option of these methods and loss terms", name, options)


def apply_overrides(model: Model, public: Public, changes: Overrides = Overrides()) -> Variant:
    """Change a model where the changes apply to it, in every phase of its recipe.

    Raises:
        BadInput: a recipe would lose its last term, a term is unknown, or an option's value is of the wrong kind.
    """
    base = model.name.partition(":")[0]
    options = _changed(base, model.options, changes.options)
    suffix = _told("", options, model.options)
    losses: dict[str, Loss] = {}
    if model.recipe is not None:
        gone = [name for name in changes.dropped if name in _terms(model)]
        suffix += "".join(f"+{key}={weight:g}" for key, weight in changes.added.items())
        suffix += "".join(f"-{key}" for key in gone)
        model = _with_losses(model, gone, changes.added)
        for term, loss in _losses(model, public).items():
            parameters = _changed(term, loss.parameters, changes.options)
            suffix += _told(f"{term}.", parameters, loss.parameters)
            losses[term] = replace(loss, parameters=parameters)
    changed = replace(model, options=options)
    return Variant(changed, model.name + suffix, losses, (model.shares_weights_with or model.name) + suffix)


def _with_losses(model: Model, gone: Sequence[str], added: Mapping[str, float]) -> Model:
    assert model.recipe is not None

    def change(update: Update) -> Update:
        if update.network != "generator":
            return update
        losses = {key: weight for key, weight in update.losses.items() if key not in gone} | dict(added)
        return replace(update, losses=losses)

    def changed(phase: Phase) -> Phase:
        """The phase without updates that have lost their last term, and without rounds that have no update left."""
        rounds = (tuple(change(update) for update in one) for one in phase.rounds)
        left = (tuple(update for update in one if update.losses) for one in rounds)
        return replace(phase, rounds=tuple(one for one in left if one))

    phases = tuple(changed(phase) for phase in model.recipe.phases)
    for before, after in zip(model.recipe.phases, phases, strict=True):
        if _paints(before) and not _paints(after):
            raise BadInput(f"Without {', '.join(gone)} nothing would be left to train {model.name} with.")
    return replace(model, recipe=replace(model.recipe, phases=phases))


def _paints(phase: Phase) -> bool:
    return any(update.network == "generator" for update in phase.updates)


def _losses(model: Model, public: Public) -> dict[str, Loss]:
    """Every term of a recipe, with its record."""
    known = {**public, **_private(model)}
    for term in _every_term(model):
        if term not in known:
            raise unknown(f"loss term (wanted by the recipe of {model.name})", term, known)
    return {term: known[term] for term in _every_term(model)}


def _changed(owner: str, defaults: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """An owner's options, with those given in place of their defaults."""
    return {
        name: _parsed(f"{owner}.{name}", given[f"{owner}.{name}"], default) if f"{owner}.{name}" in given else default
        for name, default in defaults.items()
    }


def _parsed(name: str, text: str, default: Any) -> Any:
    """A value of the default's kind."""
    try:
        return {"true": True, "false": False}[text.lower()] if isinstance(default, bool) else type(default)(text)
    except (ValueError, KeyError) as error:
        kind = "true or false" if isinstance(default, bool) else f"a value like {default!r}"
        raise BadInput(f"The option {name} is {text!r}; give {kind}.") from error


def _told(prefix: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    changed = (name for name in values if values[name] != defaults[name])
    return "".join(f"[{prefix}{name}={str(values[name]).lower()}]" for name in changed)


def _private(model: Model) -> dict[str, Loss]:
    return {loss.name: loss for loss in model.losses}


def _updates(model: Model) -> list[Update]:
    return [update for phase in model.recipe.phases for update in phase.updates] if model.recipe else []


def _terms(model: Model) -> dict[str, None]:
    """Names of the terms that train the generator."""
    return {name: None for update in _updates(model) if update.network == "generator" for name in update.losses}


def _every_term(model: Model) -> dict[str, None]:
    return {name: None for update in _updates(model) for name in update.losses}
