"""Whether methods can serve a protocol on this machine, told before anything is trained."""

from collections.abc import Sequence

from bench_core import weights
from bench_core.errors import BadInput
from bench_core.protocol import Protocol
from bench_core.variants import Variant


def refusal(variant: Variant, protocol: Protocol) -> str:
    """Why a method cannot serve a protocol; empty if it can."""
    model = variant.model
    if protocol.scale not in model.scales:
        return f"has no scale {protocol.scale!r}, only {', '.join(model.scales)}"
    if protocol.channels not in model.channels:
        return f"takes images of {' or '.join(map(str, model.channels))} channels, not {protocol.channels}"
    multiple = model.size_multiple[protocol.scale]
    if protocol.size % multiple:
        return f"takes sizes that are multiples of {multiple} at scale {protocol.scale!r}, not {protocol.size}"
    return ""


def require_backbones(variants: Sequence[Variant], protocol: Protocol) -> None:
    """Make sure that the networks behind perceptual losses can be had.

    Raises:
        BadInput: says what to fetch, and how to go on without.
    """
    if protocol.backbone == "official" and protocol.steps:
        for name in sorted({name for variant in variants for name in variant.backbones}):
            try:
                weights.locate(name)
            except weights.MissingWeights as error:
                raise BadInput(
                    f"{error} Or go on with --backbone random: perceptual losses then look through a seeded random "
                    "network, and every table says so."
                ) from error
