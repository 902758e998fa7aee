"""Table of `bench report --statistics`: every mean with its interval, ranks and group."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.columns import Column, build_columns
from bench_reports.tables.gaps import FEWER_SEEDS
from bench_reports.tables.merging import MergedRun, merge_runs
from bench_reports.tables.notes import LIKE_BEST, all_notes
from bench_reports.tables.table import Table, protocol_metrics, protocol_title

KEYS = ["mask set", "metric", "method"]
NUMBERS = ["mean", "low", "high", "best rank", "worst rank", "group"]


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """Build one table for all runs that share protocol, test images and training images.

    Raises:
        BadInput: rows of one column differ in definition, version or holes.
    """
    return [
        _table(run, build_columns(run, store.rows(run), protocol_metrics(run, known)), known)
        for run in merge_runs(store, runs)
    ]


def _table(run: MergedRun, columns: Sequence[Column], known: Mapping[str, Metric]) -> Table:
    measured = [column for column in columns if len(column.means)] or columns[:1]
    blocks = [(_block(column), column) for column in measured]
    values = pd.concat([block for block, _ in blocks])
    texts = pd.concat([_printed(block, column) for block, column in blocks])
    best, second = (pd.DataFrame(False, values.index, values.columns) for _ in range(2))
    best["mean"] = [bool(each) for column in measured for each in column.best]
    second["mean"] = [bool(each) for column in measured for each in column.second]
    for frame in (values, texts, best, second):
        frame.columns = pd.MultiIndex.from_product([[""], frame.columns], names=["mask_set", "metric"])
    notes = [
        "low, high: ends of the 95 % interval of the mean. Ranks: best and worst rank that the paired differences "
        "allow. Methods that share a letter of the group are not distinguishable.",
        *(note for note in all_notes(run, columns, known) if not note.startswith(LIKE_BEST)),
    ]
    return Table(protocol_title(run), values, texts, best, {}, notes, second=second)


def _block(column: Column) -> pd.DataFrame:
    """Turn one column of the usual table into rows."""
    block = column.means.to_frame("mean")
    if column.result:
        block = block.join(column.result.details)
    block = block.reindex(columns=NUMBERS).assign(pairs=column.num_pairs, seeds=column.num_seeds)
    block.index = pd.MultiIndex.from_product([[column.mask_set], [column.metric.definition], block.index], names=KEYS)
    return block


def _printed(block: pd.DataFrame, column: Column) -> pd.DataFrame:
    digits = column.metric.digits
    decimals = {"mean": digits, "low": digits, "high": digits}
    texts = {name: [_text(value, decimals.get(str(name), 0)) for value in values] for name, values in block.items()}
    variants = block.index.get_level_values("method")
    marks = [FEWER_SEEDS * (variant in column.missing_seeds) for variant in variants]
    texts["mean"] = [text + mark for text, mark in zip(texts["mean"], marks, strict=True)]
    return pd.DataFrame(texts, block.index)


def _text(value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return value
    return "-" if np.isnan(value) else f"{value:.{digits}f}"
