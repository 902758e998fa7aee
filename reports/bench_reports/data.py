"""Tables as data: CSV and parquet, with plain numbers under ``MASK SET/DEFINITION``."""

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
    frame = table.values.copy()
    frame.columns = pd.Index(["/".join(column) for column in frame.columns])
    return frame.reset_index()
