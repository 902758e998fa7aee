"""Conformance checks: the rules that make the numbers of methods comparable.

Use them in the tests of a plugin::

    from bench_core.conformance import check

    report = check("mine")
    assert report.passed, str(report)
"""

from bench_core.conformance.report import CheckResult, ConformanceReport
from bench_core.conformance.suite import RULES, check

__all__ = ["RULES", "CheckResult", "ConformanceReport", "check"]
