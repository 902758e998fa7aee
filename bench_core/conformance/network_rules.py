"""Rules on the network: numerical accuracy on every device, and the number of parameters."""

from copy import deepcopy

import torch
from torch import Tensor

from bench_core.conformance.inputs import CheckInput
from bench_core.conformance.method_under_test import MethodUnderTest, difference
from bench_core.conformance.report import Verdict
from bench_core.methods.method import Method
from bench_core.specs import resolve

TOLERANCE = 1e-3
"""A quarter of a grey level of an 8-bit image."""


def devices(tested: MethodUnderTest) -> Verdict:
    """Check that float64 and CUDA give the prediction of float32 on the CPU."""
    if tested.is_random:
        return "skip", "the method is stochastic, and devices draw different random numbers"
    errors, untried = _errors(tested)
    if wrong := [f"{name} by {error:.2g}" for name, error in errors.items() if error > TOLERANCE]:
        return "fail", f"differs from float32 on the CPU: {', '.join(wrong)}, more than {TOLERANCE}"
    equal = [f"{name} equals float32 on the CPU, to {error:.0e}" for name, error in errors.items()]
    return "note" if equal and untried else "pass" if equal else "skip", "; ".join(equal + untried)


def parameters(tested: MethodUnderTest) -> Verdict:
    """Check that the generator has the declared number of parameters."""
    declared, model = dict(tested.model.num_parameters), tested.model
    if not tested.is_network:
        return "skip", "the method has no parameters"
    if not declared:
        return "note", f"not declared; the generator has {_count(tested.method):,} at scale {tested.scale}"
    with torch.device("meta"):
        built = {scale: resolve(model.build)(scale, model.channels[-1], **model.options) for scale in declared}
    counted = {scale: _count(method) for scale, method in built.items()}
    if counted != declared:
        return "fail", f"declared are {_in_words(declared)}, but the generator has {_in_words(counted)}"
    return "pass", f"as declared, {_in_words(counted)}"


def _errors(tested: MethodUnderTest) -> tuple[dict[str, float], list[str]]:
    """Return the differences from float32 on the CPU, and the reasons why some were not measured."""
    sample, cpu = tested.input(), torch.device("cpu")
    expected = _predict(tested, sample, cpu, torch.float32)
    errors, untried = {}, []
    try:
        if tested.is_network:
            errors["float64"] = difference(_predict(tested, sample, cpu, torch.float64), expected)
    except RuntimeError:  # no other part of the harness needs float64, so a method may do without
        untried.append("it computes in float32 only")
    if torch.cuda.is_available():
        errors["CUDA"] = difference(_predict(tested, sample, torch.device("cuda"), torch.float32), expected)
    else:
        untried.append("there is no CUDA device here")
    return errors, untried


@torch.inference_mode()
def _predict(tested: MethodUnderTest, sample: CheckInput, device: torch.device, dtype: torch.dtype) -> Tensor:
    method = deepcopy(tested.method).to(device, dtype)
    return method.predict(*(tensor.to(device, dtype) for tensor in sample.method_inputs)).float().cpu()


def _count(method: Method) -> int:
    return sum(parameter.numel() for parameter in method.generator.parameters())


def _in_words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} at scale {scale}" for scale, count in counts.items())
