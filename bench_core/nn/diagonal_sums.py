"""Sums along the diagonals of attention scores, where the query and the key of a pair move together.

Queries P and keys Q are positions of grids of the same width, numbered row by row. The backward passes need no scores,
so autograd keeps none.
"""

from itertools import product
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Scores = Float[Tensor, "b P Q"]
Shift = tuple[tuple[slice, slice], ...]
"""Moves of positions, as pairs of slices of position numbers (from, to); a position in no slice does not move."""


def shift_by(step: int) -> Shift:
    """Move every position to the one `step` later."""
    return ((slice(None, -step), slice(step, None)),)


def shift_by_columns(width: int) -> Shift:
    """Move every position to the one below, and the end of a column to the start of the next."""
    return (slice(None, -width), slice(width, None)), (slice(-width, -1), slice(1, width))


def diagonal_sum(scores: Scores, shift: Shift, line_length: int | None = None) -> Scores:
    """Add to each score those of the pairs one shift back and one shift ahead.

    With `line_length`, positions move within lines of that length and not past their ends.
    """
    return _DiagonalSum.apply(scores, shift, line_length)


class _DiagonalSum(torch.autograd.Function):
    """Self-adjoint: every pair gives to those pairs from which it takes."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, shift: Shift, line_length: int | None) -> Tensor:
        ctx.shift, ctx.line_length = shift, line_length
        total = scores.clone()
        old, new = (_unflatten(plane, *(line_length or size for size in plane.shape[1:])) for plane in (scores, total))
        for (p, next_p), (q, next_q) in product(shift, repeat=2):
            new[:, :, next_p, :, next_q] += old[:, :, p, :, q]
            new[:, :, p, :, q] += old[:, :, next_p, :, next_q]
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _DiagonalSum.apply(*gradients, ctx.shift, ctx.line_length), None, None


def corner_sum(scores: Scores, width: int) -> Float[Tensor, "b P2 Q2"]:
    """Sum scores of pairs of cells, on (height, width) grids, into pairs of corners, on (height + 1, width + 1) grids.

    A pair of corners gets the scores of the four pairs of cells of which it is the same corner.
    """
    return _CornerSum.apply(scores, width)


class _CornerSum(torch.autograd.Function):
    """The adjoint gives each pair of cells the sum of its four pairs of corners."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, width: int) -> Tensor:
        ctx.width = width
        cells = _unflatten(scores, width, width)
        corners = cells.new_zeros(len(cells), *(size + 1 for size in cells.shape[1:]))
        for corner in _corner_views(corners):
            corner += cells
        return corners.flatten(3).flatten(1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        first, *others = _corner_views(_unflatten(gradients[0], ctx.width + 1, ctx.width + 1))
        total = first.clone(memory_format=torch.contiguous_format)
        for corner in others:
            total += corner
        return total.flatten(3).flatten(1, 2), None


def _unflatten(plane: Scores, query_line: int, key_line: int) -> Float[Tensor, "b y x y2 x2"]:
    """View positions as (line, place in the line)."""
    return plane.unflatten(2, (-1, key_line)).unflatten(1, (-1, query_line))


def _corner_views(planes: Float[Tensor, "b y x y2 x2"]) -> list[Tensor]:
    """View the top left, top right, bottom left and bottom right corners of every pair of cells."""
    sides = (slice(None, -1), slice(1, None))
    return [planes[:, y, x, y, x] for y, x in product(sides, repeat=2)]
