"""What `bench doctor` tells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something found out, and what to do about it if it does harm."""

    subject: str
    told: str
    advice: str = ""
    missing: bool = False
    """Whether it tells of something that could be here and is not, which is no harm."""

    @property
    def mark(self) -> str:
        return "wrong" if self.advice else "missing" if self.missing else "ok"
