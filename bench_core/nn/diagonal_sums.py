"""Sums along the diagonals of scores, where the query and the key of a pair move together; gradients keep no scores.

Queries P and keys Q are positions of grids of the same width, numbered row by row.
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


def ahead_by_columns(width: int) -> Shift:
    """Every position to the one below, and the end of a column to the start of the next."""
    return (slice(None, -width), slice(width, None)), (slice(-width, -1), slice(1, width))


def diagonal_sum(scores: Scores, shift: Shift, line: int | None = None) -> Scores:
    """To each score add those of the pair one shift back and of the pair one shift ahead.

    With `line`, positions move within lines of so many, not over their ends.
    """
    return _DiagonalSum.apply(scores, shift, line)


class _DiagonalSum(torch.autograd.Function):
    """Its own adjoint, for every pair gives to those pairs from which it takes."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, shift: Shift, line: int | None) -> Tensor:
        ctx.shift, ctx.line = shift, line
        total = scores.clone()
        old, new = (_unflattened(plane, *(line or size for size in plane.shape[1:])) for plane in (scores, total))
        for (p, next_p), (q, next_q) in product(shift, repeat=2):
            new[:, :, next_p, :, next_q] += old[:, :, p, :, q]
            new[:, :, p, :, q] += old[:, :, next_p, :, next_q]
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return _DiagonalSum.apply(*gradients, ctx.shift, ctx.line), None, None


def corner_sum(scores: Scores, width: int) -> Float[Tensor, "b P2 Q2"]:
    """From pairs of cells, on grids of (height, width), to pairs of their corners, on such of (height + 1, width + 1).

    A pair of corners gets the scores of the four pairs of cells that it is the same corner of.
    """
    return _CornerSum.apply(scores, width)


class _CornerSum(torch.autograd.Function):
    """Its adjoint gives to a pair of cells what its four pairs of corners have."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, width: int) -> Tensor:
        ctx.width = width
        cells = _unflattened(scores, width, width)
        corners = cells.new_zeros(len(cells), *(size + 1 for size in cells.shape[1:]))
        for corner in _corners(corners):
            corner += cells
        return corners.flatten(3).flatten(1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        first, *others = _corners(_unflattened(gradients[0], ctx.width + 1, ctx.width + 1))
        total = first.clone(memory_format=torch.contiguous_format)
        for corner in others:
            total += corner
        return total.flatten(3).flatten(1, 2), None


def _unflattened(plane: Scores, query_line: int, key_line: int) -> Float[Tensor, "b y x y2 x2"]:
    """A view on which positions have numbers of lines and places in them."""
    return plane.unflatten(2, (-1, key_line)).unflatten(1, (-1, query_line))


def _corners(planes: Float[Tensor, "b y x y2 x2"]) -> list[Tensor]:
    """Views on the top left, top right, bottom left and bottom right corners of every pair of cells."""
    sides = (slice(None, -1), slice(1, None))
    return [planes[:, y, x, y, x] for y, x in product(sides, repeat=2)]
