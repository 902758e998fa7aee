"""All rules on one method."""

from collections.abc import Callable
from pathlib import Path

import torch

from bench_core.conformance.build import open_subject
from bench_core.conformance.determinism_rules import batch, determinism
from bench_core.conformance.input_rules import hidden_pixels, known_pixels, polarity
from bench_core.conformance.method_under_test import MethodUnderTest
from bench_core.conformance.network_rules import devices, parameters
from bench_core.conformance.output_rules import finite, masks, sizes, value_range
from bench_core.conformance.report import CheckResult, ConformanceReport, Verdict
from bench_core.system.progress import progress_bar

Rule = Callable[[MethodUnderTest], Verdict]
RULES: dict[str, Rule] = {
    "hidden_pixels": hidden_pixels,
    "polarity": polarity,
    "known_pixels": known_pixels,
    "range": value_range,
    "finite": finite,
    "determinism": determinism,
    "batch": batch,
    "sizes": sizes,
    "devices": devices,
    "parameters": parameters,
    "masks": masks,
}


def check(method: str, weights: Path | None = None, scale: str | None = None, device: str = "cpu") -> ConformanceReport:
    """Try every rule on an installed method or form of one.

    Without `weights` the networks are initialised at random, with a seed: the rules hold for any weights. Without
    `scale` it is that of the weights, or the smallest.

    Raises:
        BadInput: no such method, scale or device is here, its plugin is broken, or the weights are not this method's.
    """
    subject = open_subject(method, weights, scale, device)
    findings = []
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    with exact, progress_bar(f"checking {method}", len(RULES), "") as tell:
        for done, (name, rule) in enumerate(RULES.items(), start=1):
            findings.append(_tried(name, rule, subject))
            tell(done, name)
    told = f"weights of {weights.name}" if weights else "random weights" if subject.model.recipe else "nothing to train"
    return ConformanceReport(method, subject.scale, told, tuple(findings))


def _tried(name: str, rule: Rule, subject: MethodUnderTest) -> CheckResult:
    try:
        return CheckResult(name, *rule(subject))
    except Exception as error:  # whatever a stranger's method raises breaks this rule, and the others go on
        return CheckResult(name, "fail", f"{type(error).__name__}: {error}")
