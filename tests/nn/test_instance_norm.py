"""The instance norm agrees with PyTorch's in output and gradient, in every memory layout."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad
from torch.nn.functional import instance_norm as torch_instance_norm

from bench_core.nn.instance_norm import AffineInstanceNorm2d, instance_norm

LAYOUTS = (torch.contiguous_format, torch.channels_last)


@settings(max_examples=30, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(1, 9),
    height=st.integers(1, 20),
    width=st.integers(2, 20),
    layout=st.sampled_from(LAYOUTS),
    seed=st.integers(0, 1000),
)
def test_outputs_and_gradients_agree_with_pytorch(
    batch: int, channels: int, height: int, width: int, layout: torch.memory_format, seed: int
) -> None:
    drawn = torch.Generator().manual_seed(seed)
    x, gradient = torch.randn(2, batch, channels, height, width, generator=drawn, dtype=torch.float64)
    ours, theirs = (x.clone(memory_format=layout).requires_grad_() for _ in range(2))
    found, wanted = instance_norm(ours), torch_instance_norm(theirs)
    found.backward(gradient)
    wanted.backward(gradient)
    assert ours.grad is not None and theirs.grad is not None
    torch.testing.assert_close(found, wanted, atol=1e-9, rtol=0)
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(instance_norm(x.float().contiguous(memory_format=layout)), wanted.float())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_large_image_with_a_large_mean_loses_no_digits(layout: torch.memory_format) -> None:
    x = torch.randn(1, 4, 512, 512, generator=torch.Generator().manual_seed(0)) + 3
    found = instance_norm(x.contiguous(memory_format=layout))
    torch.testing.assert_close(found.double(), torch_instance_norm(x.double()), atol=2e-6, rtol=2e-6)


def test_the_memory_layout_and_the_input_stay_as_they_are() -> None:
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    before = x.clone()
    assert instance_norm(x).is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(x, before)


def test_16_bit_inputs_are_normalised_in_32_bits() -> None:
    x = (torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0)) * 4 + 20).bfloat16()
    assert instance_norm(x).dtype == torch.bfloat16
    torch.testing.assert_close(instance_norm(x).double(), torch_instance_norm(x.double()), atol=0.01, rtol=0.01)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_affine_norm_agrees_with_pytorch_and_has_its_state_dict(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    ours, theirs = AffineInstanceNorm2d(5).double(), torch.nn.InstanceNorm2d(5, affine=True).double()
    assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))  # as they begin
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 5, 6, 8, dtype=torch.float64).contiguous(memory_format=layout)
    found, wanted = ours(x), theirs(x)
    torch.testing.assert_close(found, wanted, atol=1e-9, rtol=0)
    assert found.is_contiguous(memory_format=layout)
    noise = torch.randn_like(wanted)
    pairs = zip(grad(found, [*ours.parameters()], noise), grad(wanted, [*theirs.parameters()], noise), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


def test_the_affine_norm_returns_the_type_of_its_input() -> None:
    assert AffineInstanceNorm2d(2)(torch.randn(1, 2, 4, 4).bfloat16()).dtype == torch.bfloat16
