"""Runs all conformance rules on one method."""

from collections.abc import Callable
from pathlib import Path

import torch

from bench_core.conformance.determinism_rules import batch, determinism
from bench_core.conformance.input_rules import hidden_pixels, known_pixels, polarity
from bench_core.conformance.method_under_test import MethodUnderTest, build
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
    """Run every rule on an installed method, or on a form of one.

    Args:
        method: NAME or NAME:FORM.
        weights: Weight file of the method; seeded random weights if None, because the rules hold for any weights.
        scale: "paper" or "nano"; the scale of the weights, or the smallest, if None.
        device: Device to run on: "cpu", "cuda", "mps" or "auto".

    Raises:
        BadInput: The method, scale or device is not available, its plugin is broken, or the weights are another
            method's.
    """
    tested = build(method, weights, scale, device)
    findings = []
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    with exact, progress_bar(f"checking {method}", len(RULES), "") as update:
        for done, (name, rule) in enumerate(RULES.items(), start=1):
            findings.append(_run(name, rule, tested))
            update(done, name)
    used = f"weights of {weights.name}" if weights else "random weights" if tested.model.recipe else "training-free"
    return ConformanceReport(method, tested.scale, used, tuple(findings))


def _run(name: str, rule: Rule, tested: MethodUnderTest) -> CheckResult:
    try:
        return CheckResult(name, *rule(tested))
    except Exception as error:  # methods are foreign code: any error fails this rule, and the next rules still run
        return CheckResult(name, "fail", f"{type(error).__name__}: {error}")
