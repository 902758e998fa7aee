"""Mask sets of the installed families, and a small protocol to use them with."""

from typing import Any

from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.protocol import MaskSpec, Protocol
from bench_masks import bench_masks

FAMILIES = {family.name: family for family in bench_masks()}


def open_mask_set(family: str, name: str = "mine", **parameters: Any) -> MaskSet:
    return open_sets({name: MaskSpec.model_validate({"family": family, **parameters})}, FAMILIES)[name]


def small_protocol(**fields: Any) -> Protocol:
    """Return a protocol of one training step on images of 16 pixels, with some fields replaced."""
    masks = {"box": {"family": "random_box"}}
    given = {"name": "mine", "image_set": "mine", "size": 16, "steps": 1, "batch": 1, "metrics": ["l1"], "masks": masks}
    return Protocol.model_validate(given | fields)
