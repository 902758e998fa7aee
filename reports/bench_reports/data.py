"""Tables as data: CSV and parquet, with plain numbers under ``MASK SET/DEFINITION``, and details behind them."""

from io import BytesIO

import pandas as pd

from bench_reports.table import Table


def csv(table: Table) -> bytes:
    return _flat(table).to_csv(index=False).encode()


def parquet(table: Table) -> bytes:
    buffer = BytesIO()
    _flat(table).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _flat(table: Table) -> pd.DataFrame:
    frames = [_named(frame) for frame in (table.values, table.details) if len(frame.columns)]
    return pd.concat(frames, axis=1).reset_index()


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    names = ["/".join(part for part in key if part) for key in frame.columns.to_flat_index()]
    return frame.set_axis(names, axis=1)
