"""Places that tests read: the repository, and data beside it that may be missing."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
