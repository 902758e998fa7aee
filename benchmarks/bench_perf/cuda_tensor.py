"""Tensors of the pretended GPU, and what they answer differently from tensors of the CPU."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

CUDA = torch.device("cuda", 0)
GETTERS = {
    vars(torch._C.TensorBase)[name].__get__: value
    for name, value in {"device": CUDA, "is_cuda": True, "is_cpu": False}.items()
}


class CudaTensor(Tensor):
    """A tensor in the CPU's memory that claims to lie on the GPU."""

    device_mode: Any
    """The `bench_perf.pretend_cuda.PretendCuda` that every call goes through."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return cls.device_mode.call(func, args, kwargs or {})


def onto_gpu(tensor: Tensor) -> Tensor:
    """Let a tensor say that it lies on the GPU."""
    if type(tensor) is not CudaTensor:
        is_parameter = isinstance(tensor, torch.nn.Parameter)
        tensor.__class__ = CudaTensor
        if is_parameter:
            _mark_parameter(tensor)
    return tensor


def _mark_parameter(tensor: Tensor) -> None:
    tensor._is_param = True  # pyright: ignore[reportAttributeAccessIssue]


def _plain(tensor: Tensor) -> Tensor:
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.detach().clone().as_subclass(Tensor)


def _set_data(device: Any, func: Any, args: tuple, kwargs: dict[str, Any]) -> None:
    """``parameter.data = tensor``, by which a module moves its parameters."""
    with torch._C.DisableTorchFunctionSubclass():
        func(*args)
    if isinstance(args[1], CudaTensor):
        onto_gpu(args[0])


def _numpy(device: Any, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    if not kwargs.get("force"):
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy it first.")
    device.wait("numpy")
    return _plain(args[0]).numpy()


def _deepcopy(device: Any, func: Any, args: tuple, kwargs: dict[str, Any]) -> Tensor:
    source, memo = args
    if id(source) not in memo:
        copy = onto_gpu(_plain(source))
        if getattr(source, "_is_param", False):
            _mark_parameter(copy)
        memo[id(source)] = copy.requires_grad_(source.requires_grad)
    return memo[id(source)]


def _reduce(device: Any, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    device.wait("pickle")
    return _plain(args[0]).__reduce_ex__(args[1])


def _set(device: Any, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Setters of attributes; `data` moves a parameter."""
    if func == Tensor.data.__set__:  # pyright: ignore[reportAttributeAccessIssue]
        return _set_data(device, func, args, kwargs)
    with torch._C.DisableTorchFunctionSubclass():
        return func(*args, **kwargs)


SPECIAL: dict[str, Callable[..., Any]] = {
    "__set__": _set,
    "numpy": _numpy,
    "__array__": _numpy,
    "__deepcopy__": _deepcopy,
    "__reduce_ex__": _reduce,
    "_has_compatible_shallow_copy_type": lambda *unused: True,
}
