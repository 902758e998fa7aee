"""Notes on missing numbers: every gap has its reason, and so has a mean over fewer seeds than the title says."""

from collections.abc import Sequence

from bench_core.store.store import CellStatus, Run
from bench_reports.tables.columns import Column
from bench_reports.tables.merging import seed_list

FEWER_SEEDS = "§"
"""Marks a mean over fewer seeds than were wanted."""


def gap_notes(run: Run, columns: Sequence[Column]) -> list[str]:
    """All notes on gaps in some columns."""
    return [
        *_missing_metric_notes(run, columns),
        *state_notes(run),
        *fewer_seeds_notes(columns),
        *_partial_notes(columns),
        *_empty_region_notes(columns),
        *_unexplained_notes(run, columns),
    ]


def state_notes(run: Run) -> list[str]:
    """Say why cells have no numbers, and add the notes that methods left."""
    notes = []
    for entry in run.entries:
        if entry.state == "n/a":
            notes.append(f"{entry.variant} is n/a: it {entry.reason}.")
        elif entry.state == "failed":
            notes.append(f"{entry.title}, failed: {entry.reason}")
        elif entry.state == "pending":
            notes.append(f"{entry.title}, is pending: repeat the command to finish it.")
        else:
            notes += [f"{entry.variant} is n/a on {name}: it {why}." for name, why in entry.refused.items()]
        notes += entry.notes
    return list(dict.fromkeys([*notes, *_lost_rows_notes(run)]))  # most are the same for every seed


def _lost_rows_notes(run: Run) -> list[str]:
    by_reason: dict[str, list[str]] = {}
    for entry in run.entries:
        for mask_set, why in entry.missing.items():
            by_reason.setdefault(why, []).append(f"{entry.title}, on {mask_set}")
    return [
        f"Rows are missing of {'; '.join(names)}: {why}. Copy it from where they were measured, or repeat the command."
        for why, names in by_reason.items()
    ]


def fewer_seeds_notes(columns: Sequence[Column]) -> list[str]:
    """Name the means over fewer seeds than were wanted."""
    found: dict[tuple[str, tuple[int, ...]], list[Column]] = {}
    for column in columns:
        for variant, seeds in column.missing_seeds.items():
            if variant in column.means:
                found.setdefault((variant, tuple(seeds)), []).append(column)
    notes = []
    for (variant, seeds), marked in found.items():
        everywhere = len(marked) == sum(variant in column.means for column in columns)
        where = "" if everywhere else f" for {', '.join(_name(column) for column in marked)}"
        done = marked[0].num_seeds[variant]
        notes.append(
            f"{FEWER_SEEDS} {variant} is a mean of {done} of {done + len(seeds)} seeds{where}: {seed_list(seeds)} "
            f"{'are' if len(seeds) > 1 else 'is'} missing."
        )
    return notes


def lacking(run: Run, column: Column) -> list[CellStatus]:
    """Return the finished cells without the values of a column."""
    return [
        entry
        for entry in run.entries
        if entry.state == "done"
        and column.mask_set not in entry.missing
        and entry.seed in column.missing_seeds.get(entry.variant, ())
    ]


def _missing_metric_notes(run: Run, columns: Sequence[Column]) -> list[str]:
    gaps = {column.metric.definition: column.metric.title for column in columns if lacking(run, column)}
    return [f"{gaps[definition]} is missing: {why}" for definition, why in run.missing.items() if definition in gaps]


def _partial_notes(columns: Sequence[Column]) -> list[str]:
    return [
        f"{variant} is n/a for {column.metric.title} on {column.label}: it was measured on {count} pairs only."
        for column in columns
        for variant, count in column.partial.items()
    ]


def _empty_region_notes(columns: Sequence[Column]) -> list[str]:
    return [
        f"{_name(column)}: {column.num_empty} pairs without a pixel in its region are left out for all methods."
        for column in columns
        if column.num_empty
    ]


def _unexplained_notes(run: Run, columns: Sequence[Column]) -> list[str]:
    """Name the values that a finished cell lacks for no other reason."""
    gaps: dict[str, list[Column]] = {}
    for column in columns:
        # features of a bucket have a note of their own
        if column.metric.definition not in run.missing and not (column.bucket and column.metric.per == "set"):
            for entry in lacking(run, column):
                if entry.variant not in column.partial:
                    gaps.setdefault(entry.title, []).append(column)
    return [
        f"{title}, has no or not all values of {', '.join(map(_name, missing))}: repeat the command."
        for title, missing in gaps.items()
    ]


def _name(column: Column) -> str:
    return f"{column.metric.title} on {column.label}"
