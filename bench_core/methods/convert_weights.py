"""Taking over weights that others have published, strictly: every tensor is used or named as dropped."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench_core.errors import BadInput, unknown
from bench_core.methods.method import Method
from bench_core.plugins import Plugins
from bench_core.specs import Checkpoint, Model, resolve
from bench_core.system import files
from bench_core.weights import readers, weight_file
from bench_core.weights.readers import CheckpointFile

PREFIX = "module."
"""What training on several devices puts before every name."""
CHANNELS = 3
MAX_LISTED = 4
"""How many mismatches of a kind an error names."""


@dataclass(frozen=True)
class TensorMapping:
    """The foreign tensors of which one of ours is made."""

    names: tuple[str, ...]
    combine: Callable[..., Tensor] = lambda tensor: tensor
    """A function of these tensors, in their order."""


@dataclass
class MatchReport:
    """How the tensors of a file meet those of a layout."""

    layout: Checkpoint
    method: Method
    state: dict[str, Tensor] = field(default_factory=dict)
    """The generator's tensors, made of the file's."""
    used: set[str] = field(default_factory=set)
    dropped: dict[str, str] = field(default_factory=dict)
    """Foreign names that have no use here, with the reason."""
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    misshapen: list[str] = field(default_factory=list)

    @property
    def mismatches(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.misshapen)


@dataclass(frozen=True)
class ConvertedWeights:
    """What became of a file."""

    path: Path
    facts: Mapping[str, Any]
    match: MatchReport


def import_weights(name: str, file: Path, out: Path | None, layout: str | None, force: bool) -> ConvertedWeights:
    """Turn published weights into a file of ours, METHOD-LAYOUT.safetensors if `out` names no other.

    Raises:
        BadInput: the file cannot be read, fits no layout or several, or `out` is in the way.
    """
    model = Plugins.find().model(name)
    layouts = _layouts(model, layout)
    foreign = readers.read(file)
    match = _choose(model, foreign, [compare(model, one, foreign.content) for one in layouts])
    match.method.generator.load_state_dict(match.state)
    path = out or Path(f"{model.name.replace(':', '-')}-{match.layout.name}.safetensors")
    if path.exists() and not force:
        raise BadInput(f"{path} exists; give another file with -o, or --force to write over it.")
    files.require_writable_folder(path.parent)
    facts = _facts(model, match, foreign)
    weight_file.save_weights(path, match.method, facts)
    return ConvertedWeights(path, facts, match)


def compare(model: Model, layout: Checkpoint, content: Mapping[str, Any]) -> MatchReport:
    """Make our generator's tensors of what a file holds, and tell what does not fit."""
    method = resolve(model.build)("paper", CHANNELS, **{**model.options, **layout.options})
    ours = method.generator.state_dict()
    translate = resolve(layout.translate)
    origins = {key: translate(key) for key in ours}
    wanted = {name for origin in origins.values() for name in origin.names}
    inside = content.get(layout.inside)
    found = _bare(inside if isinstance(inside, Mapping) else content, wanted)
    match = MatchReport(layout, method)
    for key, origin in origins.items():
        _make(match, key, ours[key], origin, found)
    _account_for_the_rest(match, found)
    return match


def _bare(tensors: Mapping[Any, Any], wanted: set[str]) -> dict[str, Any]:
    """Without the prefix that every name has, unless the layout itself has it."""
    found = {str(name): value for name, value in tensors.items()}
    if all(name.startswith(PREFIX) for name in found) and not any(name.startswith(PREFIX) for name in wanted):
        return {name.removeprefix(PREFIX): value for name, value in found.items()}
    return found


def _make(match: MatchReport, key: str, ours: Tensor, origin: TensorMapping, found: Mapping[str, Any]) -> None:
    parts = [found.get(name) for name in origin.names]
    absent = [name for name, part in zip(origin.names, parts, strict=True) if not isinstance(part, Tensor)]
    match.used.update(set(origin.names) - set(absent))
    if absent and key.endswith("num_batches_tracked"):
        match.state[key] = ours  # a count that older versions of PyTorch did not keep, and that painting does not need
    elif absent:
        match.missing += [f"{name} (for {key})" for name in absent]
    else:
        try:
            made = origin.combine(*parts)
        except (RuntimeError, ValueError, LookupError) as error:
            match.misshapen.append(f"{', '.join(origin.names)} make no {key} ({error})")
            return
        if made.shape != ours.shape:
            shapes = f"{tuple(made.shape)} instead of {tuple(ours.shape)}"
            match.misshapen.append(f"{', '.join(origin.names)} for {key}: {shapes}")
        match.state[key] = made.to(ours.dtype)


def _account_for_the_rest(match: MatchReport, found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if name in match.used or isinstance(value, str | bytes | int | float | None):
            continue
        reason = next((why for pattern, why in match.layout.dropped.items() if fnmatchcase(name, pattern)), None)
        if reason is not None:
            match.dropped[name] = reason
        else:
            match.unexpected.append(name if isinstance(value, Tensor) else f"{name} (a {type(value).__name__})")


def _choose(model: Model, foreign: CheckpointFile, matches: list[MatchReport]) -> MatchReport:
    """The one that fits. Raises BadInput: none does, several do, or a tensor is not finite."""
    fitting = [match for match in matches if not match.mismatches]
    if not fitting:
        raise _misfit(model, foreign, matches)
    if len(fitting) > 1:
        names = ", ".join(match.layout.name for match in fitting)
        raise BadInput(f"{foreign.path} fits several layouts of {model.name}: {names}; choose one with --layout.")
    broken = [key for key, tensor in fitting[0].state.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise BadInput(f"{foreign.path} has values that are not finite numbers, in {_listed(broken)}.")
    return fitting[0]


def _misfit(model: Model, foreign: CheckpointFile, matches: list[MatchReport]) -> BadInput:
    match = min(matches, key=lambda match: match.mismatches)
    nearest = f"; the nearest of {len(matches)}" if len(matches) > 1 else ""
    kinds = {"missing": match.missing, "not expected": match.unexpected, "of another shape": match.misshapen}
    told = "".join(f"\n  {len(names)} {kind}: {_listed(names)}" for kind, names in kinds.items() if names)
    return BadInput(
        f"{foreign.path} does not fit {model.name}. "
        f"By the layout {match.layout.name} ({match.layout.title}{nearest}), tensors are{told}"
    )


def _listed(names: list[str]) -> str:
    return "; ".join(names[:MAX_LISTED]) + ("; ..." if len(names) > MAX_LISTED else "")


def _facts(model: Model, match: MatchReport, foreign: CheckpointFile) -> dict[str, Any]:
    """What it takes to build the method again, and where its weights came from."""
    layout = match.layout
    return {
        "method": model.shares_weights_with or model.name,
        "scale": "paper",
        "channels": CHANNELS,
        "options": {**model.options, **layout.options},
        "origin": {
            "layout": layout.name,
            "title": layout.title,
            "source": layout.source,
            "file": foreign.path.name,
            "sha256": dict(foreign.sha256),
            "dropped": match.dropped,
        },
    }


def _layouts(model: Model, wanted: str | None) -> Iterable[Checkpoint]:
    layouts = {layout.name: layout for layout in model.checkpoints}
    if not layouts:
        raise BadInput(f"{model.name} knows no layout of published weights; `bench weights list` shows what does.")
    if wanted and wanted not in layouts:
        raise unknown(f"layout of {model.name}", wanted, layouts)
    return [layouts[wanted]] if wanted else layouts.values()
