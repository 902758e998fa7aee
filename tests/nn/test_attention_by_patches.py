"""The fast attention agrees with one that cuts out every patch, in outputs and gradients."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import conv2d, fold, max_pool2d, normalize, softmax, unfold

from bench_core.nn.contextual_attention import PATCHES_PER_PIXEL, SOFTMAX_SCALE, ContextualAttention, shrink
from bench_core.nn.diagonal_sums import corner_sum, diagonal_sum, shift_by, shift_by_columns
from bench_core.nn.inner_products import inner_products

HOLE_KINDS = ["none", "all", "box", "noise"]
switch = st.booleans()


def plain(self: ContextualAttention, features: Tensor, hole: Tensor) -> Tensor:
    """Compute what `self` computes, with every patch cut out."""
    height, width = features.shape[-2:]
    grid = (height // 2, width // 2)
    patches = unfold(shrink(features, grid, self.align_corners), 3, padding=1)
    scores = patches.mT @ normalize(patches, dim=1, eps=1e-4)
    if self.fuse:
        by_columns = transposed(diagonals_added(scores), grid)
        scores = transposed(diagonals_added(by_columns), (grid[1], grid[0]))
    if self.hole_steps == 2:
        hole = shrink(hole, (height, width), self.align_corners)
    around = max_pool2d(shrink(hole, grid, self.align_corners), 3, stride=1, padding=1)
    usable = (around == 0).to(scores.dtype).flatten(2)
    return pasted(weights(scores, usable, self.mask_logit), features, self.overlap)


def transposed(scores: Tensor, grid: tuple[int, int]) -> Tensor:
    """Number queries and keys of a (height, width) grid column by column."""
    return scores.unflatten(2, grid).unflatten(1, grid).permute(0, 2, 1, 4, 3).reshape(scores.shape)


def diagonals_added(scores: Tensor) -> Tensor:
    """Convolve the P x Q plane with a 3x3 identity, zeros outside."""
    return conv2d(scores[:, None], torch.eye(3, dtype=scores.dtype)[None, None], padding=1)[:, 0]


def weights(scores: Tensor, usable: Tensor, mask_logit: str) -> Tensor:
    logits = SOFTMAX_SCALE * scores * usable
    if mask_logit == "-inf":
        logits = logits.masked_fill(usable == 0, torch.finfo(logits.dtype).min)
    return softmax(logits, dim=2) * usable


def pasted(weights: Tensor, features: Tensor, overlap: str) -> Tensor:
    patches = unfold(features, 4, padding=1, stride=2)
    laid = fold(patches @ weights.mT, features.shape[-2:], 4, padding=1, stride=2)
    counted = fold(torch.ones_like(patches), features.shape[-2:], 4, padding=1, stride=2)
    return laid / (PATCHES_PER_PIXEL if overlap == "constant" else counted)


def holes(kind: str, batch: int, height: int, width: int) -> Tensor:
    hole = torch.full((batch, 1, height, width), float(kind == "all"), dtype=torch.float64)
    if kind == "box":
        hole[..., height // 4 : height // 2 + 1, width // 3 :] = 1
    if kind == "noise":
        hole = (torch.rand_like(hole) < 0.03).double()
    return hole


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 7), st.integers(1, 7)),
    hole=st.sampled_from(HOLE_KINDS),
    options=st.fixed_dictionaries(
        {
            "fuse": switch,
            "mask_logit": st.sampled_from(["zero", "-inf"]),
            "overlap": st.sampled_from(["constant", "counted"]),
            "align_corners": switch,
            "hole_steps": st.sampled_from([1, 2]),
        }
    ),
    seed=st.integers(0, 2**20),
)
def test_attention_equals_attention_by_patches(
    size, hole: str, options: dict, seed: int, assert_same: Callable[..., None], relative_error: Callable[..., float]
) -> None:
    torch.manual_seed(seed)
    batch, channels, rows, columns = size
    attention = ContextualAttention(**options)
    features = (0.2 * torch.randn(batch, channels, 2 * rows, 2 * columns, dtype=torch.float64)).requires_grad_()
    missing = holes(hole, batch, 8 * rows, 8 * columns)
    found, expected = attention(features, missing), plain(attention, features, missing)
    assert_same(found, expected, features)
    single = attention(features.detach().float(), missing.float())
    assert relative_error(single.double(), expected.detach()) < 1e-5


def test_dropping_negligible_weights_changes_nothing(assert_same: Callable[..., None]) -> None:
    torch.manual_seed(0)
    attention, hole = ContextualAttention(), holes("box", 2, 64, 64)
    features = (3 * torch.randn(2, 4, 16, 16, dtype=torch.float64)).requires_grad_()  # weights down to exp(-700)
    found, expected = attention(features, hole), plain(attention, features, hole)
    assert_same(found, expected, features)


def test_attention_does_not_depend_on_the_rest_of_the_batch() -> None:
    torch.manual_seed(0)
    features, hole = torch.randn(3, 4, 16, 24, dtype=torch.float64), holes("noise", 3, 64, 96)
    together = ContextualAttention()(features, hole)
    alone = [ContextualAttention()(features[i : i + 1], hole[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("grid", [(1, 1), (1, 4), (4, 1), (2, 3), (5, 4)])
def test_diagonal_sums_have_exact_gradients(grid: tuple[int, int]) -> None:
    torch.manual_seed(0)
    width, count = grid[1], grid[0] * grid[1]
    scores = torch.randn(2, count, count, dtype=torch.float64, requires_grad=True)
    for shift, line_length in (
        (shift_by(1), None),
        (shift_by(1), width),
        (shift_by(width), None),
        (shift_by_columns(width), None),
    ):
        assert gradcheck(lambda x, s=shift, n=line_length: diagonal_sum(x, s, n), scores)
    assert gradcheck(lambda x: corner_sum(x, width), scores)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("transposed_rows", [True, False])
def test_inner_products_are_a_contiguous_matrix_product(
    batch: int, transposed_rows: bool, assert_same: Callable[..., None]
) -> None:
    torch.manual_seed(0)
    rows = torch.randn(batch, 5, 4, dtype=torch.float64).mT if transposed_rows else torch.randn(batch, 4, 5).double()
    others = torch.randn(batch, 7, 5, dtype=torch.float64, requires_grad=True)
    found = inner_products(rows.requires_grad_(), others)
    assert found.is_contiguous()  # otherwise the next step would copy all scores
    assert_same(found, rows @ others.mT, rows, others)
    single = inner_products(rows.detach().float(), others.detach().float())
    torch.testing.assert_close(single.double(), (rows @ others.mT).detach(), rtol=1e-5, atol=1e-5)
    assert single.is_contiguous()
