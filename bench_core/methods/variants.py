"""Variants: a model with loss terms added or dropped, and options changed, as the user asks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench_core.errors import BadInput, unknown
from bench_core.recipe import Phase, Update
from bench_core.specs import Loss, Model


@dataclass(frozen=True)
class Overrides:
    """Changes to one model, or to all models of a run. Each applies where it can."""

    added: Mapping[str, float] = field(default_factory=dict)
    """Weights of loss terms to add to the generator, by name."""
    dropped: Sequence[str] = ()
    """Names of loss terms to remove from the generator."""
    options: Mapping[str, str] = field(default_factory=dict)
    """New values as text, by OWNER.OPTION. The owner is a method or a loss term."""

    def __or__(self, other: "Overrides") -> "Overrides":
        return Overrides(
            {**self.added, **other.added}, (*self.dropped, *other.dropped), {**self.options, **other.options}
        )


@dataclass(frozen=True)
class Variant:
    """A model with overrides applied, and a name that shows them."""

    model: Model
    name: str
    losses: Mapping[str, Loss]
    """All loss terms of the recipe, by name."""
    shares_weights_with: str
    """Name of the variant whose trained weights this one uses; its own name if it trains itself."""
    weights: Path | None = None
    """Weights from a file. If set, nothing is trained and the model has no recipe."""

    @property
    def backbones(self) -> list[str]:
        """Names of the pretrained networks that the loss terms need."""
        return sorted({loss.backbone for loss in self.losses.values() if loss.backbone})


def validate_overrides(models: Iterable[Model], public: Mapping[str, Loss], overrides: Overrides) -> None:
    """Make sure that every override applies to at least one of the models.

    Args:
        models: The models of a run.
        public: Loss terms that any model can use.
        overrides: The changes to validate.

    Raises:
        BadInput: A term to add is unknown, no recipe has a term to drop, or no model or term has an option.
    """
    models = list(models)
    for name in overrides.added:
        if name not in public and not all(name in _private(model) for model in models if model.recipe):
            raise unknown("loss term", name, public)
    used = {name for model in models for name in _generator_terms(model)}
    for name in overrides.dropped:
        if name not in used:
            raise unknown("loss term in these recipes", name, used)
    options = {f"{model.name.partition(':')[0]}.{name}" for model in models for name in model.options}
    terms = [public[term] for term in (used | set(overrides.added)) & set(public)]
    terms += [loss for model in models for loss in model.losses]
    options |= {f"{loss.name}.{name}" for loss in terms for name in loss.parameters}
    for name in overrides.options:
        if name not in options:
            raise unknown("option of these methods and loss terms", name, options)


def apply_overrides(model: Model, public: Mapping[str, Loss], overrides: Overrides = Overrides()) -> Variant:
    """Apply the overrides that concern a model, in every phase of its recipe.

    Raises:
        BadInput: The generator would lose its last term, a term is unknown, or an option's value has the wrong type.
    """
    base = model.name.partition(":")[0]
    options = _overridden(base, model.options, overrides.options)
    suffix = _suffix("", options, model.options)
    losses: dict[str, Loss] = {}
    if model.recipe is not None:
        dropped = [name for name in overrides.dropped if name in _generator_terms(model)]
        suffix += "".join(f"+{name}={_number(weight)}" for name, weight in overrides.added.items())
        suffix += "".join(f"-{name}" for name in dropped)
        model = _with_losses(model, dropped, overrides.added)
        known = {**public, **_private(model)}
        for name in dict.fromkeys(name for update in _updates(model) for name in update.losses):
            if name not in known:
                raise unknown(f"loss term (wanted by the recipe of {model.name})", name, known)
            parameters = _overridden(name, known[name].parameters, overrides.options)
            suffix += _suffix(f"{name}.", parameters, known[name].parameters)
            losses[name] = replace(known[name], parameters=parameters)
    changed = replace(model, options=options)
    return Variant(changed, model.name + suffix, losses, (model.shares_weights_with or model.name) + suffix)


def _with_losses(model: Model, dropped: Sequence[str], added: Mapping[str, float]) -> Model:
    """Change the generator's terms. Drop updates without terms, and rounds without updates."""
    assert model.recipe is not None

    def change_update(update: Update) -> Update:
        if not update.trains_generator:
            return update
        losses = {name: weight for name, weight in update.losses.items() if name not in dropped} | dict(added)
        return replace(update, losses=losses)

    def change_phase(phase: Phase) -> Phase:
        rounds = (tuple(change_update(update) for update in one) for one in phase.rounds)
        nonempty = (tuple(update for update in one if update.losses) for one in rounds)
        return replace(phase, rounds=tuple(one for one in nonempty if one))

    phases = tuple(change_phase(phase) for phase in model.recipe.phases)
    for before, after in zip(model.recipe.phases, phases, strict=True):
        if _trains_generator(before) and not _trains_generator(after):
            raise BadInput(f"Without {', '.join(dropped)} nothing would be left to train {model.name} with.")
    return replace(model, recipe=replace(model.recipe, phases=phases))


def _trains_generator(phase: Phase) -> bool:
    return any(update.trains_generator for update in phase.updates)


def _overridden(owner: str, defaults: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Return an owner's options, with given values in place of defaults."""
    return {
        name: _parse(f"{owner}.{name}", given[f"{owner}.{name}"], default) if f"{owner}.{name}" in given else default
        for name, default in defaults.items()
    }


def _parse(name: str, text: str, default: Any) -> Any:
    """Convert an option's text to the type of its default."""
    try:
        return {"true": True, "false": False}[text.lower()] if isinstance(default, bool) else type(default)(text)
    except (ValueError, KeyError) as error:
        kind = "true or false" if isinstance(default, bool) else f"a value like {default!r}"
        raise BadInput(f"The option {name} is {text!r}; give {kind}.") from error


def _suffix(prefix: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    changed = (name for name in values if values[name] != defaults[name])
    return "".join(f"[{prefix}{name}={_text(values[name])}]" for name in changed)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(weight: float) -> str:
    """Format a weight. Different weights have different texts, since variants are known by their names."""
    short = f"{weight:g}"
    return short if float(short) == weight else repr(weight)


def _private(model: Model) -> dict[str, Loss]:
    return {loss.name: loss for loss in model.losses}


def _updates(model: Model) -> list[Update]:
    return [update for phase in model.recipe.phases for update in phase.updates] if model.recipe else []


def _generator_terms(model: Model) -> dict[str, None]:
    return {name: None for update in _updates(model) if update.trains_generator for name in update.losses}
