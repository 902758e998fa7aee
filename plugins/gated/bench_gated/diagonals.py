"""Sums along the diagonals of scores, where the query and the key of a pair move together; gradients keep no scores.

Queries P and keys Q are the positions of one grid, numbered row by row.
"""

from itertools import product
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Scores = Float[Tensor, "b P Q"]
Shift = tuple[tuple[slice, slice], ...]
"""Where positions move, as pairs of slices of their numbers, from and to; a position in none of them has no next."""


def ahead(step: int) -> Shift:
    """Every position to the one `step` later."""
    return ((slice(None, -step), slice(step, None)),)


def ahead_by_columns(height: int, width: int) -> Shift:
    """Every position to the one below, and the end of a column to the start of the next."""
    last_row = (height - 1) * width
    return (slice(None, last_row), slice(width, None)), (slice(last_row, -1), slice(1, width))


def diagonal_sum(scores: Scores, shift: Shift, line: int | None = None) -> Scores:
    """To each score add those of the pair one shift back and of the pair one shift ahead.

    With `line`, positions move within lines of so many, not over their ends.
    """
    return _DiagonalSum.apply(scores, shift, line or scores.shape[-1])


class _DiagonalSum(torch.autograd.Function):
    """Its own adjoint, for every pair gives to those pairs from which it takes."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, shift: Shift, line: int) -> Tensor:
        ctx.shift, ctx.line = shift, line
        total = scores.clone()
        old, new = (plane.unflatten(2, (-1, line)).unflatten(1, (-1, line)) for plane in (scores, total))
        for (p, next_p), (q, next_q) in product(shift, repeat=2):
            new[:, :, next_p, :, next_q] += old[:, :, p, :, q]
            new[:, :, p, :, q] += old[:, :, next_p, :, next_q]
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _DiagonalSum.apply(*gradients, ctx.shift, ctx.line), None, None


def corner_sum(scores: Scores, grid: tuple[int, int]) -> Float[Tensor, "b P2 Q2"]:
    """From pairs of cells, on a grid of (height, width), to pairs of their corners, on one of (height + 1, width + 1).

    A pair of corners gets the scores of the four pairs of cells that it is the same corner of.
    """
    return _CornerSum.apply(scores, grid)


class _CornerSum(torch.autograd.Function):
    """Its adjoint gives to a pair of cells what its four pairs of corners have."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, grid: tuple[int, int]) -> Tensor:
        ctx.grid = grid
        corners = scores.new_zeros(len(scores), *(grid[0] + 1, grid[1] + 1) * 2)
        for corner in _corners(corners):
            corner += scores.view_as(corner)
        return corners.flatten(3).flatten(1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        rows = ctx.grid[0] + 1
        first, *others = _corners(gradients[0].unflatten(2, (rows, -1)).unflatten(1, (rows, -1)))
        total = first.clone(memory_format=torch.contiguous_format)
        for corner in others:
            total += corner
        return total.flatten(3).flatten(1, 2), None


def _corners(planes: Float[Tensor, "b y x y x"]) -> list[Tensor]:
    """Views on the top left, top right, bottom left and bottom right corners of every pair of cells."""
    sides = (slice(None, -1), slice(1, None))
    return [planes[:, y, x, y, x] for y, x in product(sides, repeat=2)]
