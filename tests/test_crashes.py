"""A comparison that is killed at random moments ends as if nothing had happened; `make soak` kills more often."""

from pathlib import Path

import crash_harness


def test_killed_comparisons_end_with_the_bytes_of_an_undisturbed_one(tmp_path: Path) -> None:
    assert crash_harness.survive(tmp_path, kills=3, seed=1).total() >= 3
