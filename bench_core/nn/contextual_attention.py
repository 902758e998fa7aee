"""Contextual attention (Yu et al., CVPR 2018, arXiv 1801.07892, Section 4.1), as the official code of v2 computes it.

Patches of a feature map are rebuilt from its patches outside the hole. P counts queries (positions to fill) and Q keys
(positions to copy from), row by row. Both number h / 2 * w / 2, but queries of a large map come in slabs.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, fold, max_pool2d, softmax, threshold, unfold

from bench_core.errors import unknown
from bench_core.nn.attention_slabs import Slab, slabs
from bench_core.nn.constants import constant
from bench_core.nn.diagonal_sums import corner_sum, diagonal_sum, shift_by, shift_by_columns
from bench_core.nn.inner_products import inner_products
from bench_core.nn.types import Features

Scores = Float[Tensor, "b P Q"]
Usable = Float[Tensor, "b 1 Q"]
Blocks = Float[Tensor, "b values rows columns"]

SOFTMAX_SCALE = 10
PATCHES_PER_PIXEL = 4
"""4x4 patches at stride 2 that cover a pixel away from the border."""
MIN_WEIGHT = 1e-20
CHOICES = {
    "mask_logit": ("zero", "-inf"),
    "overlap": ("constant", "counted"),
    "hole_steps": (2, 1),
    "patch_length": ("floored", "shifted"),
}


class ContextualAttention(nn.Module):
    """Rebuild every position from similar patches that do not touch the hole.

    Args:
        fuse: let neighbouring queries agree on neighbouring keys.
        mask_logit: logit of keys in the hole. "zero", as in the official code, gives them a share of the softmax,
            which is then lost. "-inf" gives them none.
        overlap: divisor of pasted patches. "constant", as in the official code, darkens the border. "counted" is the
            number of patches that cover a pixel.
        align_corners: shrink by TensorFlow's rule for aligned corners, or by plain nearest neighbour.
        hole_steps: shrink the hole to an eighth in 2 steps, as the official code does, or in 1. They keep different
            pixels with aligned corners only.
        patch_length: by what keys are divided, so that zeros give no NaN. "floored", as in the official code, is the
            length of a patch, but at least 1e-4. "shifted" adds 1e-4 to every squared value of the patch.

    Raises:
        BadInput: an argument is not among `CHOICES`.
    """

    def __init__(
        self,
        *,
        fuse: bool = True,
        mask_logit: str = "zero",
        overlap: str = "constant",
        align_corners: bool = True,
        hole_steps: int = 2,
        patch_length: str = "floored",
    ) -> None:
        super().__init__()
        chosen = (mask_logit, overlap, hole_steps, patch_length)
        for (name, known), given in zip(CHOICES.items(), chosen, strict=True):
            if given not in known:
                raise unknown(name, str(given), map(str, known))
        self.fuse = fuse
        self.mask_logit = mask_logit
        self.overlap = overlap
        self.align_corners = align_corners
        self.hole_steps = hole_steps
        self.patch_length = patch_length

    def forward(self, features: Features, hole: Float[Tensor, "b 1 4*h 4*w"]) -> Features:
        """Rebuild features of even height and width, given the hole of the image at full size."""
        # in 16 bits, sums of products lose digits, and overflow where features are large
        wide = torch.promote_types(features.dtype, torch.float32)
        with torch.autocast(features.device.type, enabled=False):
            return self._rebuild(features.to(wide), hole.to(wide)).to(features.dtype)

    def _rebuild(self, features: Features, hole: Float[Tensor, "b 1 4*h 4*w"]) -> Features:
        height, width = features.shape[-2:]
        grid = (height // 2, width // 2)
        small = shrink(features, grid, self.align_corners)
        if self.hole_steps == 2:
            hole = shrink(hole, (height, width), self.align_corners)
        usable = usable_keys(shrink(hole, grid, self.align_corners))
        blocks = unfold(features, 2, padding=1, stride=2)
        pasted = torch.zeros_like(blocks).unflatten(2, (grid[0] + 1, grid[1] + 1))
        for slab in slabs(len(features), *grid, features.device):
            rows = pasted[:, :, slab.top : slab.bottom + 1]
            rows.add_(paste(self._weights(small, usable, slab), blocks, grid[1]))
        return assemble(pasted, features, self.overlap)

    def _weights(self, small: Features, usable: Usable, slab: Slab) -> Scores:
        """Return the weights of all keys for the queries of a slab."""
        rows = constant(slab.rows, torch.long, small.device)
        queries = small if len(slab.rows) == small.shape[2] else small.index_select(2, rows)
        scores = match(queries, small, self.patch_length)
        if self.fuse:
            scores = fuse(scores, small.shape[-1])
        return attend(scores, usable, self.mask_logit, slab.queries)


def nearest_indices(size: int, new_size: int, align_corners: bool) -> tuple[int, ...]:
    """List the pixels that nearest-neighbour shrinking keeps; with aligned corners exact halves round up."""
    if not align_corners or new_size == 1:
        return tuple(i * size // new_size for i in range(new_size))
    gaps = new_size - 1
    return tuple((2 * i * (size - 1) + gaps) // (2 * gaps) for i in range(new_size))


def shrink(x: Features, size: tuple[int, int], align_corners: bool) -> Float[Tensor, "b c h2 w2"]:
    """Shrink to `size` (height, width) by nearest neighbours."""
    rows, columns = (
        constant(nearest_indices(old, new, align_corners), torch.long, x.device)
        for old, new in zip(x.shape[-2:], size, strict=True)
    )
    return x.index_select(-2, rows).index_select(-1, columns)


def match(queries: Float[Tensor, "b c rows w"], keys: Features, patch_length: str = "floored") -> Scores:
    """Compute dot products of the queries' 3x3 patches with the keys' 3x3 patches, scaled to unit length.

    The score of patches p and q is the sum of nine products of pixels, at p + d and q + d. So the products of all
    pixels are computed once and added up along their diagonals. A patch's length is summed over its pixels likewise.
    """
    scores = box_sum(inner_products(queries.flatten(2).mT, keys.flatten(2).mT), keys.shape[-1])
    squared = 9 * avg_pool2d(keys.square().sum(dim=1, keepdim=True), 3, stride=1, padding=1).flatten(2)
    squared = squared.clamp(min=1e-8) if patch_length == "floored" else squared + 1e-4 * 9 * keys.shape[1]
    return scores.mul_(squared.rsqrt())


def box_sum(products: Scores, width: int) -> Scores:
    """Sum over 3x3 neighbours: first those above and below, then those on the left and right."""
    return diagonal_sum(diagonal_sum(products, shift_by(width)), shift_by(1), line_length=width)


def fuse(scores: Scores, width: int) -> Scores:
    """Add to each score those of the pairs one step back and one ahead, first along rows, then along columns.

    The end of a row neighbours the start of the next, as in the official code.
    """
    return diagonal_sum(diagonal_sum(scores, shift_by(1)), shift_by_columns(width))


def usable_keys(small_hole: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h*w"]:
    """Return 1 where a 3x3 patch holds no hole pixel; padding does not count as hole."""
    return (max_pool2d(small_hole, 3, stride=1, padding=1) == 0).to(small_hole.dtype).flatten(2)


def attend(scores: Scores, usable: Usable, mask_logit: str, queries: slice = slice(None)) -> Float[Tensor, "b own Q"]:
    """Return the weights of keys for the given queries, 0 for keys in the hole. Overwrites the scores."""
    logits = scores.mul_(SOFTMAX_SCALE * usable)
    if mask_logit == "-inf":  # a finite value, because a softmax over -inf alone is NaN
        logits = logits.masked_fill_(usable == 0, torch.finfo(logits.dtype).min)
    return _UsableSoftmax.apply(logits[:, queries], usable)


class _UsableSoftmax(torch.autograd.Function):
    """softmax(logits) * usable, with negligible weights set to 0.

    Weights below float32's normal range would slow every later product down many times. The gradient of softmax,
    weight * (gradient - weighted mean of gradients), needs no other weights than these: logits of unusable keys are
    constants.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, usable: Tensor) -> Tensor:
        weights = threshold(softmax(logits, dim=2).mul_(usable), MIN_WEIGHT, 0.0, inplace=True)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (weights,) = ctx.saved_tensors
        weighted = weights * gradient
        return weighted - weights * weighted.sum(dim=2, keepdim=True), None


def paste(weights: Scores, blocks: Float[Tensor, "b values Q2"], width: int) -> Blocks:
    """Overlay weighted 4x4 patches at stride 2, as a grid of 2x2 blocks.

    A patch is four blocks, and neighbouring patches share blocks. Adding up the patches' weights into weights of blocks
    first multiplies each block once instead of four times.
    """
    return inner_products(corner_sum(weights, width), blocks).mT.unflatten(2, (-1, width + 1))


def assemble(pasted: Blocks, features: Features, overlap: str) -> Features:
    """Put the blocks side by side and divide by the number of overlapping patches."""
    assembled = fold(pasted.flatten(2), features.shape[-2:], 2, padding=1, stride=2)
    return assembled / (PATCHES_PER_PIXEL if overlap == "constant" else patches_per_pixel(features))


def patches_per_pixel(features: Features) -> Float[Tensor, "1 1 h w"]:
    """Count the 4x4 patches at stride 2 that cover each pixel; they are fewer at the border."""
    patches = unfold(torch.ones_like(features[:1, :1]), 4, padding=1, stride=2)
    return fold(patches, features.shape[-2:], 4, padding=1, stride=2)
