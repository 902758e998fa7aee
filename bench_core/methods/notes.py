"""What a reader of a variant's numbers must know besides."""

from collections.abc import Sequence

from bench_core.methods.method import Guide
from bench_core.methods.pretrained import remark
from bench_core.methods.variants import Variant


def notes(variant: Variant, name: str, guide: Guide | None, masks: Sequence[str]) -> list[str]:
    """Sentences about a variant that tables call `name`; `masks` are those it was trained with, if not with all."""
    told = [remark(variant)] if variant.weights else []
    if guide:
        told.append(f"{name} is helped by {guide.name} of the truth inside the hole.")
    if variant.model.stochastic:
        told.append(f"{name} draws at random; one sample of each is judged, not the best of several.")
    if variant.model.recipe and masks:
        told.append(f"{name} was trained with the masks {', '.join(masks)} only, for it fills no others.")
    return told
