"""Rules on the network: where it computes, in which numbers, and how large it is."""

from copy import deepcopy

import torch
from torch import Tensor

from bench_core.conformance.method_under_test import MethodUnderTest, TestInput, difference
from bench_core.conformance.report import Verdict
from bench_core.methods.method import Method
from bench_core.specs import resolve

TOLERANCE = 1e-3
"""A quarter of a step between two of the 256 values of a stored picture."""


def devices(subject: MethodUnderTest) -> Verdict:
    """32 bits give the picture that 64 give, and a GPU the one that the CPU gives."""
    if subject.draws_at_random:
        return "skip", "it draws at random, and each device draws other numbers"
    found, untried = _departures(subject)
    if wrong := [f"{name} by {value:.2g}" for name, value in found.items() if value > TOLERANCE]:
        return "fail", f"the picture of float32 on the CPU is missed by {', '.join(wrong)}, more than {TOLERANCE}"
    met = [f"{name} gives the picture of float32 on the CPU, to {value:.0e}" for name, value in found.items()]
    return "told" if met and untried else "pass" if met else "skip", "; ".join(met + untried)


def parameters(subject: MethodUnderTest) -> Verdict:
    """The generator has as many parameters as the method declares."""
    declared, model = dict(subject.model.num_parameters), subject.model
    if not subject.is_network:
        return "skip", "it is no network"
    if not declared:
        return "told", f"not declared; the generator has {_count(subject.method):,} at scale {subject.scale}"
    with torch.device("meta"):
        built = {scale: resolve(model.build)(scale, model.channels[-1], **model.options) for scale in declared}
    counted = {scale: _count(method) for scale, method in built.items()}
    if counted != declared:
        return "fail", f"declared are {_told(declared)}, but the generator has {_told(counted)}"
    return "pass", f"as declared, {_told(counted)}"


def _departures(subject: MethodUnderTest) -> tuple[dict[str, float], list[str]]:
    """How far other ways to compute lead from float32 on the CPU, and why some could not be tried."""
    case, cpu = subject.case(), torch.device("cpu")
    expected = _painted(subject, case, cpu, torch.float32)
    found, untried = {}, []
    try:
        if subject.is_network:
            found["float64"] = difference(_painted(subject, case, cpu, torch.float64), expected)
    except RuntimeError:  # nothing else asks a method for another type than float32
        untried.append("it computes in float32 only")
    if torch.cuda.is_available():
        found["CUDA"] = difference(_painted(subject, case, torch.device("cuda"), torch.float32), expected)
    else:
        untried.append("there is no CUDA here")
    return found, untried


@torch.inference_mode()
def _painted(subject: MethodUnderTest, case: TestInput, device: torch.device, dtype: torch.dtype) -> Tensor:
    method = deepcopy(subject.method).to(device, dtype)
    return method.predict(*(tensor.to(device, dtype) for tensor in case.given)).float().cpu()


def _count(method: Method) -> int:
    return sum(parameter.numel() for parameter in method.generator.parameters())


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} at scale {scale}" for scale, count in counts.items())
