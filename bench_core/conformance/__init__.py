"""Whether a method keeps to the rules that make its numbers comparable with others'.

For the tests of a plugin::

    from bench_core.conformance import check

    card = check("mine")
    assert card.passed, str(card)
"""

from bench_core.conformance.report import CheckResult, ConformanceReport
from bench_core.conformance.suite import RULES, check

__all__ = ["RULES", "CheckResult", "ConformanceReport", "check"]
