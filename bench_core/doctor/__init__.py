"""Checks of an installation, a machine and a store."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A fact that `bench doctor` prints, with advice if something is wrong."""

    subject: str
    text: str
    advice: str = ""
    """Suggested fix; empty if nothing is wrong."""
    missing: bool = False
    """True for something optional that is not installed."""

    @property
    def mark(self) -> str:
        """ "ok", "missing" or "wrong"."""
        return "wrong" if self.advice else "missing" if self.missing else "ok"
