"""Notes below a table that readers of a method's numbers need."""

from collections.abc import Sequence

from bench_core.methods.method import Guide
from bench_core.methods.variants import Variant
from bench_core.system import files
from bench_core.weights import weight_file


def notes(variant: Variant, name: str, guide: Guide | None, masks: Sequence[str], predict_batch: int = 1) -> list[str]:
    """Write the notes on a variant.

    Args:
        variant: The variant.
        name: Its name in the table.
        guide: The model's guide, if any.
        masks: The mask sets it was trained with; empty if it was trained with all.
        predict_batch: The number of images that were predicted at once, for a method that depends on it.
    """
    found = [_external_weights(variant)] if variant.weights else []
    if guide:
        found.append(f"{name} is helped by {guide.name} of the ground truth inside the hole.")
    if variant.model.stochastic:
        found.append(f"{name} draws at random; one sample of each image is evaluated, not the best of several.")
    if variant.model.batch_dependent:
        images = "1 image" if predict_batch == 1 else f"{predict_batch} images"
        found.append(f"{name} predicts an image differently beside others; it predicted {images} at a time.")
    if variant.model.recipe and masks:
        found.append(f"{name} was trained with the masks {', '.join(masks)} only, because it supports no others.")
    return found


def _external_weights(variant: Variant) -> str:
    assert variant.weights is not None
    origin = weight_file.read_metadata(variant.weights).get("origin")
    published = f", published as {origin['title']} ({origin['source']})" if origin else ""
    digest = files.sha256(variant.weights)
    return (
        f"{variant.name} was not trained here; its weights are {variant.weights.name}{published}, sha256 {digest[:12]}."
    )
