"""Converts published checkpoints. The conversion is strict: every tensor is used, or ignored for a stated reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from bench_core.weights import readers, state_dicts, weight_file
from bench_core.weights.layouts import candidates, content, without_prefix
from bench_core.weights.readers import CheckpointFile
from bench_core.weights.state_dicts import Place

CHANNELS = 3
MAX_LISTED = 4
"""Maximum number of names of a kind in an error message."""


@dataclass(frozen=True)
class TensorMapping:
    """The published tensors that make one of our tensors."""

    names: tuple[str, ...]
    """Names in the published file."""
    combine: Callable[..., Tensor] = lambda tensor: tensor
    """Function of these tensors in order that returns ours; by default the one tensor itself."""


@dataclass
class MatchReport:
    """Result of matching a state dict of a file with a layout."""

    layout: Checkpoint
    method: Method
    place: Place
    state: dict[str, Tensor] = field(default_factory=dict)
    """State dict of the generator, made from the file."""
    used: set[str] = field(default_factory=set)
    """Names in the file that were used."""
    dropped: dict[str, str] = field(default_factory=dict)
    """Names in the file that the layout ignores, each with the reason."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Parts of the file beside the state dict, each with its number of tensors."""
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    wrong_shape: list[str] = field(default_factory=list)

    @property
    def num_mismatches(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.wrong_shape)


@dataclass(frozen=True)
class ConvertedWeights:
    """A converted file, its recorded facts, and the match it comes from."""

    path: Path
    facts: Mapping[str, Any]
    match: MatchReport


def import_weights(
    name: str, paths: Sequence[Path], out: Path | None, layout: str | None, key: str | None, force: bool
) -> ConvertedWeights:
    """Convert a published checkpoint to a weight file.

    Args:
        name: Name of the method.
        paths: The published checkpoint: one file, or one for each part of the layout, in their order.
        out: File to write; METHOD-LAYOUT.safetensors in the current folder if None.
        layout: Name of the checkpoint's layout; if None, the only one that fits.
        key: Name of the state dict in the file; if None, the layout's, unless another one fits, too.
        force: True to overwrite `out`.

    Raises:
        BadInput: The file cannot be read or fits no layout, several layouts or state dicts fit, or `out` exists.
    """
    model = Plugins.find().model(name)
    layouts = _layouts(model, layout, len(paths))
    published = [readers.read(path) for path in paths]
    matches = [match for one in layouts for match in compare(model, one, *content(one, published, key))]
    match = _choose(model, " and ".join(map(str, paths)), matches, chosen=key is not None)
    match.method.generator.load_state_dict(match.state)
    path = out or Path(f"{model.name.replace(':', '-')}-{match.layout.name}.safetensors")
    if path.exists() and not force:
        raise BadInput(f"{path} exists; give another file with -o, or --force to write over it.")
    files.require_writable_folder(path.parent)
    facts = _facts(model, match, published)
    weight_file.save_weights(path, match.method, facts)
    return ConvertedWeights(path, facts, match)


def compare(model: Model, layout: Checkpoint, content: Mapping[str, Any], key: str | None = None) -> list[MatchReport]:
    """Match state dicts of a file with a layout: make the generator's tensors, and list what does not fit.

    The first is at the layout's own key. All others have a name in common with the layout.

    Raises:
        BadInput: `key` names no state dict of the file.
    """
    method = resolve(model.build)("paper", CHANNELS, **{**model.options, **layout.options})
    ours = method.generator.state_dict()
    translate = resolve(layout.translate)
    mappings = {key: translate(key) for key in ours}
    wanted = {name for mapping in mappings.values() for name in mapping.names}
    matches = []
    for place, tensors in candidates(layout, content, key).items():
        found = without_prefix(tensors, wanted)
        match = MatchReport(layout, method, place, left_out=state_dicts.others(content, place))
        if matches and not wanted & found.keys():
            continue
        for name, mapping in mappings.items():
            _convert(match, name, ours[name], mapping, found)
        _sort_unused(match, found)
        matches.append(match)
    return matches


def _convert(match: MatchReport, key: str, ours: Tensor, mapping: TensorMapping, found: Mapping[str, Any]) -> None:
    parts = [found.get(name) for name in mapping.names]
    absent = [name for name, part in zip(mapping.names, parts, strict=True) if not isinstance(part, Tensor)]
    match.used.update(set(mapping.names) - set(absent))
    if absent and key.endswith("num_batches_tracked"):
        match.state[key] = ours  # older versions of PyTorch did not save this count, and predict does not use it
    elif absent:
        match.missing += [f"{name} (for {key})" for name in absent]
    else:
        try:
            made = mapping.combine(*parts)
        except (RuntimeError, ValueError, LookupError) as error:
            match.wrong_shape.append(f"{', '.join(mapping.names)} make no {key} ({error})")
            return
        if made.shape != ours.shape:
            shapes = f"{tuple(made.shape)} instead of {tuple(ours.shape)}"
            match.wrong_shape.append(f"{', '.join(mapping.names)} for {key}: {shapes}")
        match.state[key] = made.to(ours.dtype)


def _sort_unused(match: MatchReport, found: Mapping[str, Any]) -> None:
    """Sort the unused names of a file into `dropped` and `unexpected`."""
    for name, value in found.items():
        if name in match.used or isinstance(value, str | bytes | int | float | None):
            continue
        reason = next((why for pattern, why in match.layout.dropped.items() if fnmatchcase(name, pattern)), None)
        if reason is not None:
            match.dropped[name] = reason
        else:
            match.unexpected.append(name if isinstance(value, Tensor) else f"{name} (a {type(value).__name__})")


def _choose(model: Model, published: str, matches: list[MatchReport], chosen: bool) -> MatchReport:
    """Return the only match that fits.

    Raises:
        BadInput: None or several fit, or a value is NaN or infinite, or one fits at another key than its layout's and
            the user has not `chosen` the key.
    """
    fitting = [match for match in matches if not match.num_mismatches]
    if not fitting:
        raise _misfit(model, published, matches)
    if not chosen and any(match.place not in ((), (match.layout.state_dict_key,)) for match in fitting):
        names = ", ".join(dict.fromkeys(state_dicts.name(match.place) or "the file itself" for match in fitting))
        raise BadInput(
            f"{published} holds weights that fit {model.name} as {names}. One of such sets may be an average of "
            "another: choose with --key."
        )
    if len(fitting) > 1:
        names = ", ".join(match.layout.name for match in fitting)
        raise BadInput(f"{published} fits several layouts of {model.name}: {names}; choose one with --layout.")
    broken = [key for key, tensor in fitting[0].state.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise BadInput(f"{published} has values that are not finite numbers, in {_listed(broken)}.")
    return fitting[0]


def _misfit(model: Model, published: str, matches: list[MatchReport]) -> BadInput:
    match = min(matches, key=lambda match: match.num_mismatches)
    layouts = {match.layout.name for match in matches}
    nearest = f"; the nearest of {len(layouts)}" if len(layouts) > 1 else ""
    kinds = {"missing": match.missing, "not expected": match.unexpected, "of another shape": match.wrong_shape}
    listed = "".join(f"\n  {len(names)} {kind}: {_listed(names)}" for kind, names in kinds.items() if names)
    return BadInput(
        f"{published} does not fit {model.name}. "
        f"By the layout {match.layout.name} ({match.layout.title}{nearest}), tensors are{listed}"
    )


def _listed(names: list[str]) -> str:
    return "; ".join(names[:MAX_LISTED]) + ("; ..." if len(names) > MAX_LISTED else "")


def _facts(model: Model, match: MatchReport, published: Sequence[CheckpointFile]) -> dict[str, Any]:
    """Return what the weight file records: how to build the method, and the origin of its weights."""
    layout = match.layout
    elsewhere = {name: f"elsewhere in the file (tensors: {count})" for name, count in match.left_out.items()}
    return {
        "method": model.shares_weights_with or model.name,
        "scale": "paper",
        "channels": CHANNELS,
        "options": {**model.options, **layout.options},
        "origin": {
            "layout": layout.name,
            "title": layout.title,
            "source": layout.source,
            "file": ", ".join(file.path.name for file in published),
            "sha256": {name: digest for file in published for name, digest in file.sha256.items()},
            "key": state_dicts.name(match.place),
            "dropped": match.dropped | elsewhere,
        },
    }


def _layouts(model: Model, wanted: str | None, num_files: int) -> Iterable[Checkpoint]:
    """Return the layouts to try: all, or the `wanted` one, of those that consist of as many files."""
    layouts = {layout.name: layout for layout in model.checkpoints}
    if not layouts:
        raise BadInput(f"{model.name} has no layout of published weights; `bench weights list` shows all layouts.")
    if wanted and wanted not in layouts:
        raise unknown(f"layout of {model.name}", wanted, layouts)
    asked = [layouts[wanted]] if wanted else list(layouts.values())
    fitting = [one for one in asked if max(1, len(one.parts)) == num_files]
    if not fitting:
        takes = "; ".join(f"{one.name}: {', then '.join(one.parts.values()) or 'one file'}" for one in asked)
        raise BadInput(f"You gave {num_files} files. Layouts of {model.name} take other numbers of them: {takes}.")
    return fitting
