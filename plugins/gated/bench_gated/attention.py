"""Contextual attention (Yu et al., CVPR 2018, arXiv 1801.07892, Section 4.1), as DeepFill v2's official code has it.

Patches of a feature map are rebuilt from its patches outside the hole. P counts positions to fill (queries) and Q
positions to copy from (keys), row by row; both number h / 2 * w / 2.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import fold, max_pool2d, normalize, pad, softmax, unfold

from bench_core.errors import unknown

Features = Float[Tensor, "b c h w"]
Scores = Float[Tensor, "b P Q"]
Usable = Float[Tensor, "b 1 Q"]

SHARPNESS = 10
COVER = 4
"""How many 4x4 patches at stride 2 cover a pixel away from the border."""
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
        scores = match(shrink(features, grid, self.align_corners))
        if self.fuse:
            scores = fuse(scores, grid)
        if self.hole_steps == 2:
            hole = shrink(hole, (height, width), self.align_corners)
        usable = usable_keys(shrink(hole, grid, self.align_corners))
        return paste(attend(scores, usable, self.mask_logit), features, self.overlap)


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


def match(features: Features) -> Float[Tensor, "b h*w h*w"]:
    """Dot products of 3x3 patches, queries as they are, with 3x3 patches, keys of unit length."""
    patches = unfold(features, 3, padding=1)
    return patches.mT @ normalize(patches, dim=1, eps=1e-4)


def fuse(scores: Scores, grid: tuple[int, int]) -> Scores:
    """Add to a score those of the pairs one step back and one ahead, first along rows, then along columns.

    The end of a row neighbours the start of the next, as in the official code.
    """
    height, width = grid
    by_columns = transposed(diagonal_sum(scores), (height, width))
    return transposed(diagonal_sum(by_columns), (width, height))


def transposed(scores: Scores, grid: tuple[int, int]) -> Scores:
    """Number the positions of a grid of (height, width) column by column, of queries and keys alike."""
    planes = scores.unflatten(2, grid).unflatten(1, grid)
    return planes.permute(0, 2, 1, 4, 3).reshape(scores.shape)


def diagonal_sum(scores: Scores) -> Scores:
    """The convolution of the P x Q plane with a 3x3 identity, zeros outside."""
    before, after = pad(scores, (1, 0, 1, 0))[:, :-1, :-1], pad(scores, (0, 1, 0, 1))[:, 1:, 1:]
    return before + scores + after


def usable_keys(small_hole: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h*w"]:
    """1 where a 3x3 patch holds no hole pixel; what lies outside the image is no hole."""
    return (max_pool2d(small_hole, 3, stride=1, padding=1) == 0).to(small_hole.dtype).flatten(2)


def attend(scores: Scores, usable: Usable, mask_logit: str) -> Scores:
    """Weights of keys for each query, 0 for keys in the hole."""
    logits = SHARPNESS * scores * usable
    if mask_logit == "-inf":  # a finite stand-in, for a softmax over nothing but -inf is NaN
        logits = logits.masked_fill(usable == 0, torch.finfo(logits.dtype).min)
    return softmax(logits, dim=2) * usable


def paste(weights: Scores, features: Features, overlap: str) -> Features:
    """Overlay weighted 4x4 patches at stride 2; fewer of them cover the border, which a constant divisor darkens."""
    patches = unfold(features, 4, padding=1, stride=2)
    laid = _overlaid(patches @ weights.mT, features)
    if overlap == "constant":
        return laid / COVER
    return laid / _overlaid(torch.ones_like(patches), features)


def _overlaid(patches: Float[Tensor, "b n P"], features: Features) -> Features:
    height, width = features.shape[-2:]
    return fold(patches, (height, width), 4, padding=1, stride=2)
