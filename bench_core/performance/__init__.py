"""How fast the harness and its methods are, measured beside others in one run."""

from bench_core.performance.records import Report, Row
from bench_core.performance.settings import Settings
from bench_core.performance.suite import PARTS, measure

__all__ = ["PARTS", "Report", "Row", "Settings", "measure"]
