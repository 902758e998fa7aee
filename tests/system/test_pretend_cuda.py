"""The pretend GPU of the tests finds what a real one would refuse or wait for."""

import copy
import io
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, softmax

from bench_perf.pretend_cuda import PretendCuda


@pytest.fixture
def gpu() -> Iterator[PretendCuda]:
    with PretendCuda().installed() as gpu:
        yield gpu


def on_gpu(*shape: int) -> Tensor:
    return torch.ones(shape, device="cuda")


WAITS: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x.sum().item(),
    "tolist": lambda x: x.tolist(),
    "float": lambda x: float(x.sum()),
    "if": lambda x: 1 if x.sum() > 0 else 0,
    "cpu": lambda x: x.cpu(),
    "to": lambda x: x.to("cpu"),
    "numpy": lambda x: x.numpy(force=True),
    "nonzero": lambda x: x.nonzero(),
    "where": lambda x: torch.where(x > 0),
    "mask": lambda x: x[x > 0],
    "list index": lambda x: x[[0, 1]],
    "index on the CPU": lambda x: x[torch.tensor([0, 1])],
    "new_tensor": lambda x: x.new_tensor([1.0]),
    "tensor": lambda x: torch.tensor([1.0], device=x.device),
    "moved": lambda x: torch.ones(3).to(x.device),
    "copy_": lambda x: x.copy_(torch.ones(2, 3)),
    "equal": lambda x: torch.equal(x, x),
}


@pytest.mark.parametrize("what", WAITS)
def test_what_waits_for_a_gpu_is_recorded_with_its_place(what: str, gpu: PretendCuda):
    x = on_gpu(2, 3)
    assert not gpu.waits
    WAITS[what](x)
    (wait,) = gpu.waits
    assert "system/test_pretend_cuda.py:" in wait


FREE: dict[str, Callable[[Tensor], Tensor]] = {
    "new": lambda x: torch.zeros(3, device=x.device) + x.new_zeros(3) + torch.zeros_like(x),
    "full": lambda x: torch.full((), 0.5, device=x.device),
    "arange": lambda x: torch.arange(3, device=x.device),
    "scalar": lambda x: 2 * x + 1,
    "scalar tensor": lambda x: x * torch.tensor(2.0),
    "index": lambda x: x[:, torch.arange(2, device=x.device)],
    "fill by mask": lambda x: x.masked_fill(x > 0, 0),
    "where": lambda x: torch.where(x > 0, x, 0),
    "pinned": lambda x: torch.ones(3).pin_memory().to(x.device, non_blocking=True),
    "dtype": lambda x: x.to(torch.float64).to(x),
}


@pytest.mark.parametrize("what", FREE)
def test_what_stays_on_a_gpu_does_not_wait(what: str, gpu: PretendCuda):
    result = FREE[what](on_gpu(2, 3))
    assert result.device == torch.device("cuda", 0) and result.is_cuda and not gpu.waits


def test_tensors_of_both_devices_do_not_mix(gpu: PretendCuda):
    x = on_gpu(2, 3)
    calls = (lambda: x + torch.ones(3), lambda: torch.cat([x, torch.ones(1, 3)]), lambda: nn.Linear(3, 1)(x))
    for mixed in calls:
        with pytest.raises(RuntimeError, match="on cuda:0 and on the CPU"):
            mixed()
    with pytest.raises(TypeError, match="can't convert"):
        x.numpy()
    with pytest.raises(RuntimeError, match="generator"):
        torch.rand(2, device="cuda", generator=torch.Generator())


def test_a_network_is_moved_trained_copied_and_saved(gpu: PretendCuda):
    on_cpu = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    network = copy.deepcopy(on_cpu).to("cuda:0")
    weight = network[0].weight
    assert isinstance(weight, nn.Parameter) and weight.is_cuda and network[1].running_mean.is_cuda
    image = torch.rand(2, 1, 8, 8)
    for each, x in ((on_cpu, image), (network, image.to("cuda:0"))):
        optimiser = torch.optim.Adam(each.parameters(), fused=True)
        each(interpolate(x, scale_factor=2)).square().mean().backward()
        assert all(parameter.grad is not None and parameter.grad.device == x.device for parameter in each.parameters())
        optimiser.step()
    torch.testing.assert_close(network[0].weight.cpu(), on_cpu[0].weight, rtol=0, atol=0)
    assert copy.deepcopy(network)[0].weight.is_cuda
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    assert torch.load(io.BytesIO(file.getvalue()))["0.weight"].is_cpu


def test_gradients_of_gradients_lie_there(gpu: PretendCuda):
    x = on_gpu(2, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(x.pow(3).sum(), x, create_graph=True)
    gradient.sum().backward()
    assert gradient.is_cuda and x.grad is not None and x.grad.is_cuda
    assert x.grad.eq(6).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_computes_softmax_in_32_bits_and_convolutions_in_16(dtype: torch.dtype, gpu: PretendCuda):
    with torch.autocast("cuda", dtype):
        y = nn.Conv2d(1, 1, 1, device="cuda")(on_gpu(1, 1, 4, 4))
        assert y.dtype == dtype
        assert softmax(y, dim=-1).dtype == y.sum().dtype == torch.float32


def test_afterwards_everything_is_as_before():
    before = (torch.cuda.is_available(), torch.autocast, torch.autograd._engine_run_backward)
    with PretendCuda().installed():
        assert torch.cuda.is_available() and torch.cuda.device_count() == 1
    assert (torch.cuda.is_available(), torch.autocast, torch.autograd._engine_run_backward) == before
