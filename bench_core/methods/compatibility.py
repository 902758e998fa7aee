"""Whether methods can serve a protocol on this machine, told before anything is trained."""

from collections.abc import Iterable, Sequence

from bench_core.errors import BadInput
from bench_core.masks.mask_set import MaskSet
from bench_core.methods.variants import Variant
from bench_core.protocol import Protocol
from bench_core.specs import Model, resolve
from bench_core.weights import download

TRIALS = 32
"""Holes of a mask set that are shown to a method which fills some holes only."""


def refusal(model: Model, protocol: Protocol) -> str:
    """Why a method cannot serve a protocol's images; empty if it can."""
    if protocol.scale not in model.scales:
        return f"has no scale {protocol.scale!r}, only {', '.join(model.scales)}"
    if protocol.channels not in model.channels:
        return f"takes images of {' or '.join(map(str, model.channels))} channels, not {protocol.channels}"
    return refused_size(model, protocol.scale, protocol.size)


def refused_size(model: Model, scale: str, *sides: int) -> str:
    """Why a method cannot take images of these sides; empty if it can."""
    fixed, multiple = model.fixed_size.get(scale), model.size_multiple[scale]
    shown = " x ".join(map(str, dict.fromkeys(sides)))
    if fixed and set(sides) != {fixed}:
        return f"takes images of {fixed} pixels only at scale {scale!r}, not {shown}"
    if any(side % multiple for side in sides):
        return f"takes sizes that are multiples of {multiple} at scale {scale!r}, not {shown}"
    return ""


def unsupported_masks(model: Model, sets: Iterable[MaskSet], protocol: Protocol) -> dict[str, str]:
    """For each mask set whose holes a method cannot fill, why; found by showing it some."""
    if model.supports_hole is None:
        return {}
    judge = resolve(model.supports_hole)
    reasons = {
        holes.name: next(filter(None, (judge(holes.draw(protocol.size, "trial", i)) for i in range(TRIALS))), "")
        for holes in sets
    }
    return {name: reason for name, reason in reasons.items() if reason}


def require_backbones(variants: Sequence[Variant], protocol: Protocol) -> None:
    """Make sure that the networks behind perceptual losses can be had.

    Raises:
        BadInput: says what to fetch, and how to go on without.
    """
    if protocol.backbone == "official" and protocol.steps:
        for name in sorted({name for variant in variants for name in variant.backbones}):
            try:
                download.locate(name)
            except download.MissingWeights as error:
                raise BadInput(
                    f"{error} Or go on with --backbone random: perceptual losses then look through a seeded random "
                    "network, and every table says so."
                ) from error
