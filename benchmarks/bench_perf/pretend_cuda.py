"""A CUDA device that computes on the CPU, for machines without a GPU.

Its tensors say that they lie on ``cuda:0``. A call with tensors of both devices raises, CUDA's list of functions that
autocast runs in 32 bits holds, and each call that would make a program wait for a GPU is recorded.

Calls are intercepted where Python hands them to torch, above autograd. Waits inside a single call of torch are not
seen, and neither are devices mixed in a backward pass whose forward pass mixed none.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from bench_perf.cuda_tensor import GETTERS, SPECIAL, CudaTensor, onto_gpu

WAITING = {
    "item", "tolist", "nonzero", "masked_select", "unique", "unique_consecutive", "equal", "allclose", "bincount",
    "one_hot", "is_nonzero", "multinomial", "__bool__", "__int__", "__float__", "__index__", "__contains__",
    "__format__",
}  # fmt: skip
"""Functions whose result, or its shape, is needed on the CPU."""
CROSSING = {"to", "cpu", "cuda", "copy_", "type_as", "new_tensor", "tensor", "as_tensor"}
"""Functions that copy from one device to the other."""
IN_32_BITS = {
    "softmax", "log_softmax", "norm", "vector_norm", "layer_norm", "group_norm", "sum", "prod", "cumsum", "cumprod",
    "exp", "expm1", "log", "log2", "log10", "log1p", "pow", "reciprocal", "rsqrt", "sinh", "cosh", "tan", "acos",
    "asin", "mse_loss", "l1_loss", "smooth_l1_loss", "cosine_similarity", "nll_loss", "cdist", "kl_div", "normalize",
    "binary_cross_entropy_with_logits",
}  # fmt: skip
"""Functions that CUDA's autocast runs in 32 bits (docs of torch.amp)."""
HALF = (torch.float16, torch.bfloat16)


class PretendCuda(TorchFunctionMode):
    """The device. While it is entered, torch believes that there is one GPU."""

    current: "PretendCuda"

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []
        """What made the program wait for the GPU, each with the place: ``item at PATH:LINE``."""

    @contextmanager
    def installed(self) -> Iterator["PretendCuda"]:
        """Enter the device, and patch what torch would ask a real one."""
        PretendCuda.current = CudaTensor.device_mode = self
        run_backward = torch.autograd.graph._engine_run_backward

        def backward(*args: Any, **kwargs: Any) -> Any:
            with torch._C._EnableTorchFunction(), self:  # for the backward passes of our own functions
                return run_backward(*args, **kwargs)

        constants = {
            "is_available": True,
            "is_initialized": True,
            "is_bf16_supported": True,
            "device_count": 1,
            "current_device": 0,
            "get_device_name": "pretend GPU",
            "get_device_capability": (9, 0),
            "max_memory_allocated": 0,
            "mem_get_info": (2**36, 2**36),
            "is_current_stream_capturing": False,
            "get_device_properties": SimpleNamespace(total_memory=2**37, name="pretend GPU", major=9, minor=0),
            "get_rng_state": torch.empty(16, dtype=torch.uint8),
        }
        silent = "_lazy_init set_device synchronize empty_cache reset_peak_memory_stats manual_seed_all set_rng_state"
        cuda: dict[str, Any] = {name: _constant(value) for name, value in constants.items()}
        cuda |= {name: _constant(None) for name in silent.split()}
        autocast, check = torch.autocast, "_accelerator_graph_capture_health_check"
        with (
            patch.multiple(torch.cuda, **cuda),
            patch.object(torch.autograd, "_engine_run_backward", backward),
            patch.object(torch.optim.Optimizer, check, _constant(None), create=True),
            patch.object(torch, "autocast", lambda device_type, *a, **k: autocast("cpu", *a, **k)),
            self,
        ):
            yield self

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.call(func, args, kwargs or {})

    def call(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Call a function of torch as if its tensors lay where they say."""
        if args and isinstance(args[0], CudaTensor) and func in GETTERS:
            return GETTERS[func]
        name = getattr(func, "__name__", "")
        kwargs = dict(kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        on_gpu = any(isinstance(tensor, CudaTensor) for tensor in tensors)
        target = kwargs.get("device")
        if name in SPECIAL and on_gpu:
            return SPECIAL[name](self, func, args, kwargs)
        if name == "pin_memory":
            return args[0]
        if name in CROSSING:
            return self._cross(func, name, args, kwargs)
        if target is not None and torch.device(target).type == "cuda":
            on_gpu, kwargs["device"] = True, torch.device("cpu")
            generator = kwargs.get("generator")
            if generator is not None:
                raise RuntimeError(f"Expected a 'cuda' device type for generator but found '{generator.device}'")
        elif target is not None:
            on_gpu = False
        if not on_gpu:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **kwargs)
        self._require_one_device(name, tensors, args)
        if name in WAITING or (name == "where" and len(tensors) == 1) or _by_mask(name, args):
            self.wait(name)
        if name in IN_32_BITS and torch.is_autocast_enabled("cpu") and kwargs.get("dtype") is None:
            args, kwargs = tree_map_only(Tensor, _widened, (args, kwargs))
        with torch._C.DisableTorchFunctionSubclass():
            return tree_map_only(Tensor, onto_gpu, func(*args, **kwargs))

    def wait(self, what: str) -> None:
        """Record that the program waits for the GPU."""
        self.waits.append(f"{what} at {_place()}")

    def _cross(self, func: Any, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Copy between the devices; a copy from memory that is not pinned makes the program wait."""
        source = args[1] if name in ("copy_", "new_tensor") else args[0]
        was_on_gpu = isinstance(source, CudaTensor)
        is_on_gpu = _goes_to_gpu(name, args, kwargs, was_on_gpu)
        args, kwargs = tree_map_only((torch.device, str), _on_cpu, (args, kwargs))
        if name in ("cpu", "cuda"):
            func, args = Tensor.to, (source, torch.device("cpu"))
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **kwargs)
            if was_on_gpu != is_on_gpu:
                if not kwargs.get("non_blocking"):
                    self.wait(f"{'copy from' if was_on_gpu else 'copy to'} the GPU by {name}")
                if result is source or (isinstance(source, Tensor) and result.data_ptr() == source.data_ptr()):
                    result = result.clone()
                if was_on_gpu and name != "copy_":
                    result = result.as_subclass(Tensor)
        return onto_gpu(result) if is_on_gpu else result

    def _require_one_device(self, name: str, tensors: list[Tensor], args: tuple) -> None:
        if torch._C._current_graph_task_id() != -1:  # gradients of a backward pass do not say where they lie
            return
        elsewhere = [tensor for tensor in tensors if not isinstance(tensor, CudaTensor) and tensor.dim()]
        if name in ("__getitem__", "__setitem__") and isinstance(args[0], CudaTensor):
            if elsewhere:
                self.wait("an index on the CPU")
        elif elsewhere:
            shapes = [tuple(tensor.shape) for tensor in elsewhere]
            raise RuntimeError(f"{name}: tensors on cuda:0 and on the CPU (of shapes {shapes}) at {_place()}")


def _constant(value: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: value


def _on_cpu(device: Any) -> Any:
    return torch.device("cpu") if str(device).startswith("cuda") else device


def _goes_to_gpu(name: str, args: tuple, kwargs: dict[str, Any], was_on_gpu: bool) -> bool:
    if name in ("cpu", "cuda"):
        return name == "cuda"
    if name == "copy_":
        return isinstance(args[0], CudaTensor)
    if name == "type_as" or (name == "to" and len(args) > 1 and isinstance(args[1], Tensor)):
        return isinstance(args[1], CudaTensor)
    devices = [*args[1:], kwargs.get("device")]
    for given in devices:
        if isinstance(given, torch.device | str):
            return torch.device(given).type == "cuda"
    return was_on_gpu or any(isinstance(each, CudaTensor) for each in args[:1])


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in HALF else tensor


def _by_mask(name: str, args: tuple) -> bool:
    """Return True for an index whose number of elements depends on values."""
    if name not in ("__getitem__", "__setitem__", "index_put_"):
        return False
    if any(isinstance(one, list | range) for one in (args[1] if isinstance(args[1], tuple) else args[1:2])):
        return True  # a list of positions is copied to the GPU first
    masks = [one for one in tree_leaves(args[1]) if isinstance(one, Tensor) and one.dtype in (torch.bool, torch.uint8)]
    return bool(masks) and not (name == "__setitem__" and not isinstance(args[2], Tensor))


def _place() -> str:
    """Return the innermost line of the program outside torch and the pretended device."""
    frame = sys._getframe()
    while frame.f_back and any(part in frame.f_code.co_filename for part in ("/torch/", "cuda_tensor.py", __file__)):
        frame = frame.f_back
    return f"{'/'.join(frame.f_code.co_filename.split('/')[-2:])}:{frame.f_lineno}"
