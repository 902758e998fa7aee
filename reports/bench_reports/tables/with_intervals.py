"""Every number with what is known of its certainty: one row for each mask set, metric and method."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables import notes
from bench_reports.tables.columns import Column, columns
from bench_reports.tables.table import Table, merged, title, wanted

KEYS = ["mask set", "metric", "method"]
NUMBERS = ["mean", "low", "high", "best rank", "worst rank", "group"]


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """One table for all runs that have protocol and test images in common.

    Raises:
        BadInput: rows of one column do not mean the same.
    """
    return [_table(run, columns(run, store.rows(run), wanted(run, known)), known) for run in merged(runs)]


def _table(run: Run, found: Sequence[Column], known: Mapping[str, Metric]) -> Table:
    blocks = [(_block(column), column) for column in found if len(column.means)] or [(_block(found[0]), found[0])]
    values = pd.concat([block for block, _ in blocks])
    texts = pd.concat([_printed(block, column.metric.digits) for block, column in blocks])
    best, second = (pd.DataFrame(False, values.index, values.columns) for _ in range(2))
    best["mean"] = [bool(each) for _, column in blocks for each in column.best]
    second["mean"] = [bool(each) for _, column in blocks for each in column.second]
    for frame in (values, texts, best, second):
        frame.columns = pd.MultiIndex.from_product([[""], frame.columns], names=["mask_set", "metric"])
    told = [
        "low, high: ends of the 95 % interval of the mean. Ranks: the best and the worst that the differences on the "
        "same pairs leave possible. Methods that share a letter of the group are not distinguishable.",
        *(note for note in notes.all_notes(run, found, known) if not note.startswith(notes.ALIKE)),
    ]
    return Table(title(run.protocol), values, texts, best, {}, told, second=second)


def _block(column: Column) -> pd.DataFrame:
    """The rows of one column of the usual table."""
    block = column.means.to_frame("mean")
    if column.standing:
        block = block.join(column.standing.details)
    block = block.reindex(columns=NUMBERS).assign(pairs=column.pairs, seeds=column.seeds)
    block.index = pd.MultiIndex.from_product([[column.mask_set], [column.metric.definition], block.index], names=KEYS)
    return block


def _printed(block: pd.DataFrame, digits: int) -> pd.DataFrame:
    ends = ("mean", "low", "high")
    texts = {what: [_text(value, digits if what in ends else 0) for value in of] for what, of in block.items()}
    return pd.DataFrame(texts, block.index)


def _text(value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return value
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
