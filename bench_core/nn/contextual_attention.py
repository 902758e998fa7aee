"""Contextual attention (Yu et al., CVPR 2018, arXiv 1801.07892, Section 4.1), as DeepFill v2's official code has it.

Patches of a feature map are rebuilt from its patches outside the hole. P counts positions to fill (queries) and Q
positions to copy from (keys), row by row; both number h / 2 * w / 2, but queries of a large map come in slabs.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, fold, max_pool2d, softmax, threshold, unfold

from bench_core.errors import unknown
from bench_gated.diagonals import ahead, ahead_by_columns, corner_sum, diagonal_sum
from bench_gated.products import inner_products
from bench_gated.slabs import Slab, slabs

Features = Float[Tensor, "b c h w"]
Scores = Float[Tensor, "b P Q"]
Usable = Float[Tensor, "b 1 Q"]
Blocks = Float[Tensor, "b values rows columns"]

SHARPNESS = 10
COVER = 4
"""How many 4x4 patches at stride 2 cover a pixel away from the border."""
NEGLIGIBLE = 1e-20
CHOICES = {"mask_logit": ("zero", "-inf"), "overlap": ("constant", "counted"), "hole_steps": (2, 1)}


class ContextualAttention(nn.Module):
    """Rebuild every position from the patches that it resembles and that touch no hole.

    Args:
        fuse: let neighbouring queries agree on neighbouring keys.
        mask_logit: how keys in the hole enter the softmax: with logit "zero" as in the official code, so that they
            take a share of the weight which is then lost, or with "-inf", so that they take none.
        overlap: what pasted patches are divided by: a "constant" as in the official code, which darkens the border,
            or the "counted" number of patches that cover a pixel.
        align_corners: shrink by TensorFlow's rule for aligned corners, or by plain nearest neighbour.
        hole_steps: shrink the hole to an eighth in 1 step, or in 2 as in the official code. Only with aligned corners
            do these keep different pixels.
    """

    def __init__(
        self,
        *,
        fuse: bool = True,
        mask_logit: str = "zero",
        overlap: str = "constant",
        align_corners: bool = True,
        hole_steps: int = 2,
    ) -> None:
        super().__init__()
        for name, given in (("mask_logit", mask_logit), ("overlap", overlap), ("hole_steps", hole_steps)):
            if given not in CHOICES[name]:
                raise unknown(name, str(given), map(str, CHOICES[name]))
        self.fuse = fuse
        self.mask_logit = mask_logit
        self.overlap = overlap
        self.align_corners = align_corners
        self.hole_steps = hole_steps

    def forward(self, features: Features, hole: Float[Tensor, "b 1 4*h 4*w"]) -> Features:
        """Features of even height and width, with the hole of the full-size image, to features rebuilt."""
        height, width = features.shape[-2:]
        grid = (height // 2, width // 2)
        small = shrink(features, grid, self.align_corners)
        if self.hole_steps == 2:
            hole = shrink(hole, (height, width), self.align_corners)
        usable = usable_keys(shrink(hole, grid, self.align_corners))
        blocks = unfold(features, 2, padding=1, stride=2)
        pasted = torch.zeros_like(blocks).unflatten(2, (grid[0] + 1, grid[1] + 1))
        for slab in slabs(len(features), *grid):
            rows = pasted[:, :, slab.top : slab.bottom + 1]
            rows.add_(paste(self.weigh(small, usable, slab), blocks, grid[1]))
        return lay(pasted, features, self.overlap)

    def weigh(self, small: Features, usable: Usable, slab: Slab) -> Scores:
        """Weights of all keys for the queries of a slab."""
        scores = match(small[:, :, slab.rows], small)
        if self.fuse:
            scores = fuse(scores, small.shape[-1])
        return attend(scores, usable, self.mask_logit, slab.own)


def sampled(size: int, new_size: int, align_corners: bool) -> list[int]:
    """Which of `size` pixels nearest-neighbour shrinking to `new_size` keeps; aligned corners round halves up."""
    if not align_corners or new_size == 1:
        return [i * size // new_size for i in range(new_size)]
    gaps = new_size - 1
    return [(2 * i * (size - 1) + gaps) // (2 * gaps) for i in range(new_size)]


def shrink(x: Features, size: tuple[int, int], align_corners: bool) -> Float[Tensor, "b c h2 w2"]:
    rows, columns = (
        torch.tensor(sampled(old, new, align_corners), device=x.device)
        for old, new in zip(x.shape[-2:], size, strict=True)
    )
    return x.index_select(-2, rows).index_select(-1, columns)


def match(queries: Float[Tensor, "b c rows w"], keys: Features) -> Scores:
    """Dot products of 3x3 patches, queries as they are, with 3x3 patches, keys of unit length.

    Patches p and q agree as much as the nine pairs of pixels at p + d and q + d together, so one product of pixels,
    added up along its diagonals, matches all patches; and a patch is as long as its pixels are together.
    """
    scores = box_sum(inner_products(queries.flatten(2).mT, keys.flatten(2).mT), keys.shape[-1])
    lengths = 9 * avg_pool2d(keys.square().sum(dim=1, keepdim=True), 3, stride=1, padding=1)
    return scores.mul_(lengths.flatten(2).clamp(min=1e-8).rsqrt())


def box_sum(products: Scores, width: int) -> Scores:
    """Sums over 3x3 neighbours, first of those above and below, then of those on the left and right."""
    return diagonal_sum(diagonal_sum(products, ahead(width)), ahead(1), line=width)


def fuse(scores: Scores, width: int) -> Scores:
    """Add to a score those of the pairs one step back and one ahead, first along rows, then along columns.

    The end of a row neighbours the start of the next, as in the official code.
    """
    return diagonal_sum(diagonal_sum(scores, ahead(1)), ahead_by_columns(width))


def usable_keys(small_hole: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h*w"]:
    """1 where a 3x3 patch holds no hole pixel; what lies outside the image is no hole."""
    return (max_pool2d(small_hole, 3, stride=1, padding=1) == 0).to(small_hole.dtype).flatten(2)


def attend(scores: Scores, usable: Usable, mask_logit: str, own: slice = slice(None)) -> Float[Tensor, "b own Q"]:
    """Weights of keys for each of the `own` queries, 0 for keys in the hole. Scores are overwritten."""
    logits = scores.mul_(SHARPNESS * usable)
    if mask_logit == "-inf":  # a finite stand-in, for a softmax over nothing but -inf is NaN
        logits = logits.masked_fill_(usable == 0, torch.finfo(logits.dtype).min)
    return _UsableSoftmax.apply(logits[:, own], usable)


class _UsableSoftmax(torch.autograd.Function):
    """softmax(logits) * usable, with weights too small to matter set to 0, for what logits of usable keys say.

    Weights below float32's normal numbers would make every later product many times slower. The gradient of softmax,
    weight * (gradient - mean gradient by weight), needs no other weights than these, since logits of unusable keys are
    constants.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, usable: Tensor) -> Tensor:
        weights = threshold(softmax(logits, dim=2).mul_(usable), NEGLIGIBLE, 0.0, inplace=True)
        ctx.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (weights,) = ctx.saved_tensors
        weighted = weights * gradient
        return weighted - weights * weighted.sum(dim=2, keepdim=True), None


def paste(weights: Scores, blocks: Float[Tensor, "b values Q2"], width: int) -> Blocks:
    """Overlay weighted 4x4 patches at stride 2, on a grid of blocks.

    A patch is four blocks of 2x2 pixels, and neighbouring patches share blocks. So weights of patches are first added
    up to weights of blocks, and a block is multiplied once in place of four times.
    """
    return inner_products(corner_sum(weights, width), blocks).mT.unflatten(2, (-1, width + 1))


def lay(pasted: Blocks, features: Features, overlap: str) -> Features:
    """Blocks side by side; fewer patches cover the border, which a constant divisor darkens."""
    laid = fold(pasted.flatten(2), features.shape[-2:], 2, padding=1, stride=2)
    return laid / (COVER if overlap == "constant" else covers(features))


def covers(features: Features) -> Float[Tensor, "1 1 h w"]:
    """How many 4x4 patches at stride 2 cover each pixel."""
    patches = unfold(torch.ones_like(features[:1, :1]), 4, padding=1, stride=2)
    return fold(patches, features.shape[-2:], 4, padding=1, stride=2)
