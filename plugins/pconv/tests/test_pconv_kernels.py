"""The kernel cache is never stale."""

import copy
import pickle
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench_pconv.kernels import KernelCache
from bench_pconv.layers import PartialConv2d
from bench_pconv.model import WIDTHS, UNet, build

Change = Callable[[nn.Module], object]


class Doubled:
    """Doubles the weight and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, weight: Tensor) -> tuple[Tensor, ...]:
        self.calls += 1
        return (2 * weight,)


@pytest.fixture
def conv() -> PartialConv2d:
    return PartialConv2d(3, 2, 3)


def test_kernels_are_computed_once_in_evaluation(conv: PartialConv2d):
    kernels, doubled = KernelCache().eval(), Doubled()
    with torch.inference_mode():
        (first,), _ = kernels(conv, None, doubled)
        (second,), _ = kernels(conv, None, doubled)
        assert first is second and first.equal(2 * conv.weight) and doubled.calls == 1
        assert first.is_contiguous(memory_format=torch.channels_last)
        assert kernels(conv, None)[0][0].equal(conv.weight)


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_cached_where_gradients_are_recorded(conv: PartialConv2d, training: bool):
    kernels, doubled = KernelCache().eval(), Doubled()
    with torch.no_grad():
        (cached,) = map(weakref.ref, kernels(conv, None, doubled)[0])
    kernels.train(training)
    for calls in (2, 3):
        (kernel,), _ = kernels(conv, None, doubled)
        assert torch.autograd.grad(kernel.sum(), conv.weight)[0].eq(2).all()
        assert doubled.calls == calls
        assert kernel.is_contiguous() == training
    assert cached() is None


def test_weights_without_a_write_counter_are_never_cached():
    kernels = KernelCache().eval()
    with torch.inference_mode():
        conv = PartialConv2d(3, 2, 3)
        before = kernels(conv, None)[0][0].clone()
        conv.weight.add_(1)
        assert kernels(conv, None)[0][0].equal(before + 1)


def test_a_new_weight_at_the_address_of_a_freed_one_is_noticed():
    """This happens when a network is moved to 16 bits and back: freed memory is used again."""
    kernels, conv = KernelCache().eval(), PartialConv2d(64, 64, 3)
    with torch.no_grad():
        for _ in range(20):
            kernels(conv, None)
            conv.weight.data = conv.weight.data.bfloat16()
            conv.weight.data = conv.weight.data.float().add_(1)
            assert kernels(conv, None)[0][0].equal(conv.weight)


def optimise(module: nn.Module) -> None:
    optimiser = torch.optim.Adam(module.parameters(), 0.1)
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()


def take_statistics(module: nn.Module) -> None:
    module.train()
    module(*inputs())
    module.eval()


def replace(module: nn.Module) -> None:
    module.load_state_dict({name: value * 0.5 for name, value in module.state_dict().items()}, assign=True)


def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    hole = torch.zeros(2, 1, 32, 32)
    hole[..., 4:20, 6:25] = 1
    return torch.rand(2, 3, 32, 32, generator=generator) * (1 - hole), hole


def norms(module: nn.Module) -> list[nn.BatchNorm2d]:
    return [one for one in module.modules() if isinstance(one, nn.BatchNorm2d)]


CHANGES: dict[str, Change] = {
    "a step": optimise,
    "statistics": take_statistics,
    "a file": lambda net: net.load_state_dict({name: value * 0.5 for name, value in net.state_dict().items()}),
    "other tensors": replace,
    "training": nn.Module.train,
    "norms in training": lambda net: [norm.train() for norm in norms(net)],
    "gains": lambda net: [norm.weight.neg_() for norm in norms(net)],
    "variances": lambda net: [norm.running_var.mul_(3) for norm in norms(net) if norm.running_var is not None],
    "a write": lambda net: [parameter.neg_() for parameter in net.parameters()],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_network_predicts_the_same_as_a_new_one(change: Change):
    torch.manual_seed(0)
    net = UNet(WIDTHS["nano"]).eval()
    with torch.no_grad():
        before = net(*inputs())
        change(net)
        fresh = UNet(WIDTHS["nano"])
        fresh.load_state_dict(net.state_dict())
        for theirs, ours in zip(fresh.modules(), net.modules(), strict=True):
            theirs.training = ours.training
        wanted = fresh(*inputs())
        assert not wanted.equal(before)
        assert net(*inputs()).equal(wanted)


def test_a_copy_uses_its_own_weights():
    torch.manual_seed(0)
    net = UNet(WIDTHS["nano"]).eval()
    with torch.no_grad():
        before = net(*inputs())
        other = copy.deepcopy(net)
        for parameter in other.parameters():
            parameter.mul_(0.5)
        assert not other(*inputs()).equal(before)
        assert net(*inputs()).equal(before)


def test_the_cache_is_not_pickled():
    net = UNet(WIDTHS["nano"]).eval()
    before = len(pickle.dumps(net))
    with torch.no_grad():
        net(*inputs())
    assert len(pickle.dumps(net)) == before


def test_operations_can_be_counted_in_prediction():
    method = build("nano", 3).eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        method.predict(torch.zeros(1, 3, 32, 32), torch.ones(1, 1, 32, 32))
    assert counter.get_total_flops() > 0
