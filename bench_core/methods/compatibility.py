"""Checks before training that methods can handle a protocol on this machine."""

from collections.abc import Iterable, Sequence

from bench_core.errors import BadInput
from bench_core.masks.mask_set import MaskSet
from bench_core.methods.variants import Variant
from bench_core.protocol import Protocol
from bench_core.specs import Model, resolve
from bench_core.weights import download

NUM_TRIAL_HOLES = 32
"""Holes of a mask set to try on a method that supports only some holes."""


def refusal(model: Model, protocol: Protocol) -> str:
    """Return why a method cannot handle a protocol's images, or "" if it can."""
    if protocol.scale not in model.scales:
        return f"has no scale {protocol.scale!r}, only {', '.join(model.scales)}"
    if protocol.channels not in model.channels:
        return f"takes images of {' or '.join(map(str, model.channels))} channels, not {protocol.channels}"
    return refused_size(model, protocol.scale, protocol.size)


def refused_size(model: Model, scale: str, *sides: int) -> str:
    """Return why a method cannot handle images with these sides in pixels, or "" if it can."""
    fixed, multiple = model.fixed_size.get(scale), model.size_multiple[scale]
    smallest = model.min_size.get(scale, 1)
    shown = " x ".join(map(str, dict.fromkeys(sides)))
    if fixed and set(sides) != {fixed}:
        return f"takes images of {fixed} pixels only at scale {scale!r}, not {shown}"
    if any(side % multiple for side in sides):
        return f"takes sizes that are multiples of {multiple} at scale {scale!r}, not {shown}"
    if min(sides) < smallest:
        return f"takes sizes of {smallest} or more at scale {scale!r}, not {shown}"
    return ""


def unsupported_masks(model: Model, sets: Iterable[MaskSet], protocol: Protocol) -> dict[str, str]:
    """Return the mask sets that a method cannot fill, each with the reason. Tries some holes of each."""
    if model.supports_hole is None:
        return {}
    supports, numbers = resolve(model.supports_hole), range(NUM_TRIAL_HOLES)
    reasons = {
        holes.name: next(filter(None, (supports(holes.draw(protocol.size, "trial", i)) for i in numbers)), "")
        for holes in sets
    }
    return {name: reason for name, reason in reasons.items() if reason}


def require_backbones(variants: Sequence[Variant], protocol: Protocol) -> None:
    """Make sure that the pretrained networks of the loss terms are available.

    Raises:
        BadInput: Names the file to download, and the option to continue without it.
    """
    if protocol.backbone == "official" and protocol.steps:
        for name in sorted({name for variant in variants for name in variant.backbones}):
            try:
                download.locate(name)
            except download.MissingWeights as error:
                raise BadInput(
                    f"{error} Or continue with --backbone random: perceptual losses then use a seeded random network, "
                    "and every table says so."
                ) from error
