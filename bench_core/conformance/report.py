"""The report card: what every rule found."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["pass", "fail", "skip", "told"]
Verdict = tuple[State, str]
"""What a rule says of a method, and why."""


@dataclass(frozen=True)
class CheckResult:
    """One rule's verdict.

    "told" is a pass with something that whoever reads the method's numbers should know, and "skip" says that the
    rule does not apply or could not be tried here.
    """

    rule: str
    state: State
    told: str


@dataclass(frozen=True)
class ConformanceReport:
    """Every rule's verdict on one method."""

    method: str
    scale: str
    weights: str
    """Whose weights it painted with."""
    findings: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no rule is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[str, ...]:
        """The names of the rules that are broken."""
        return tuple(finding.rule for finding in self.findings if finding.state == "fail")

    def as_dict(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {**asdict(self), "findings": [asdict(finding) for finding in self.findings], "passed": self.passed}

    def __str__(self) -> str:
        lines = (f"  {finding.rule:14} {finding.state:5} {finding.told}" for finding in self.findings)
        return "\n".join([f"{self.method}, scale {self.scale}, {self.weights}", *lines])
