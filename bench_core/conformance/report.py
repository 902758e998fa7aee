"""The conformance report: one result for each rule."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["pass", "note", "skip", "fail"]
Verdict = tuple[State, str]
"""State of a rule, and a note with the evidence."""


@dataclass(frozen=True)
class CheckResult:
    """Result of one rule.

    The state "note" is a pass with something that readers of the method's numbers should know. "skip" means that the
    rule does not apply, or cannot be checked on this machine.
    """

    rule: str
    state: State
    note: str


@dataclass(frozen=True)
class ConformanceReport:
    """Results of all rules for one method."""

    method: str
    scale: str
    weights: str
    """Weights that were checked, in words."""
    findings: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """True if no rule failed."""
        return not self.broken

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the rules that failed."""
        return tuple(finding.rule for finding in self.findings if finding.state == "fail")

    def as_dict(self) -> dict[str, Any]:
        """Convert to plain data for JSON."""
        return {**asdict(self), "findings": [asdict(finding) for finding in self.findings], "passed": self.passed}

    def __str__(self) -> str:
        lines = (f"  {finding.rule:14} {finding.state:5} {finding.note}" for finding in self.findings)
        return "\n".join([f"{self.method}, scale {self.scale}, {self.weights}", *lines])
