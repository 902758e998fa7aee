"""Attention in slabs of rows equals attention over all rows at once."""

from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from bench_core.nn import attention_slabs
from bench_core.nn.contextual_attention import ContextualAttention
from bench_perf.pretend_cuda import PretendCuda

CPU = torch.device("cpu")
OPTIONS = {
    "fuse": st.booleans(),
    "mask_logit": st.sampled_from(["zero", "-inf"]),
    "overlap": st.sampled_from(["constant", "counted"]),
}


def in_slabs(rows: int, attention: ContextualAttention, features: Tensor, hole: Tensor) -> Tensor:
    """Compute attention in slabs of `rows` rows, if the grid has more."""
    height, width = (side // 2 for side in features.shape[-2:])
    scores_of_a_row = len(features) * width * height * width
    with patch.object(attention_slabs, "MAX_SCORES", (rows + 2 * attention_slabs.HALO) * scores_of_a_row):
        return attention(features, hole)


@settings(deadline=None, max_examples=80)
@given(
    batch=st.integers(1, 2),
    grid=st.tuples(st.integers(1, 14), st.integers(1, 5)),
    rows=st.integers(1, 8),
    hole_share=st.sampled_from([0, 0.03, 1]),
    options=st.fixed_dictionaries(OPTIONS),
    seed=st.integers(0, 2**20),
)
def test_slabs_change_nothing(batch: int, grid, rows: int, hole_share: float, options: dict, seed: int) -> None:
    torch.manual_seed(seed)
    height, width = grid
    features = 0.2 * torch.randn(batch, 3, 2 * height, 2 * width, dtype=torch.float64)
    hole = (torch.rand(batch, 1, 8 * height, 8 * width) < hole_share).double()
    attention = ContextualAttention(**options)
    whole = attention(features, hole)
    torch.testing.assert_close(in_slabs(rows, attention, features, hole), whole, rtol=1e-12, atol=1e-13)
    single = in_slabs(rows, attention, features.float(), hole.float()).double()
    assert (single - whole).abs().max() <= 1e-5 * whole.abs().max().clamp(min=1e-3)


def test_slabs_do_not_change_the_gradient() -> None:
    torch.manual_seed(0)
    features = (0.2 * torch.randn(2, 3, 20, 8, dtype=torch.float64)).requires_grad_()
    hole, noise = (torch.rand(2, 1, 80, 32) < 0.03).double(), torch.randn(2, 3, 20, 8)
    attention = ContextualAttention()
    (whole,) = grad(attention(features, hole), features, noise)
    (found,) = grad(in_slabs(2, attention, features, hole), features, noise)
    torch.testing.assert_close(found, whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("max_scores", [0, 7 * 2 * 4 * 12 * 4, 9 * 2 * 4 * 12 * 4, 12 * 2 * 4 * 12 * 4])
def test_slabs_cover_every_row_once_and_fit_if_a_row_does(max_scores: int) -> None:
    with patch.object(attention_slabs, "MAX_SCORES", max_scores):
        found = list(attention_slabs.slabs(2, 12, 4, CPU))
    assert [row for slab in found for row in range(slab.top, slab.bottom)] == list(range(12))
    assert all(len(slab.rows) * 2 * 4 * 12 * 4 <= max(max_scores, 7 * 2 * 4 * 12 * 4) for slab in found)
    assert len(found) == {0: 12, 7: 12, 9: 4, 12: 1}[max_scores // (2 * 4 * 12 * 4)]


def test_an_image_of_512_pixels_fits_into_one_slab_and_one_of_1024_does_not() -> None:
    assert len(list(attention_slabs.slabs(4, 64, 64, CPU))) == 1
    assert len(list(attention_slabs.slabs(1, 128, 128, CPU))) > 1


def test_a_large_gpu_holds_the_scores_of_a_large_batch() -> None:
    """Slabs of 512 x 512 images in a batch of 16 would compute two thirds of the rows twice."""
    with PretendCuda().installed():
        assert len(list(attention_slabs.slabs(16, 64, 64, torch.device("cuda", 0)))) == 1
    assert len(list(attention_slabs.slabs(16, 64, 64, CPU))) > 1
