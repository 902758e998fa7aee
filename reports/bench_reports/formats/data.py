"""Tables as data: plain numbers, with details behind them."""

from io import BytesIO
from typing import Any

import pandas as pd

from bench_reports.tables.table import Table


def csv(table: Table) -> bytes:
    return _flat(table).to_csv(index=False).encode()


def parquet(table: Table) -> bytes:
    buffer = BytesIO()
    _flat(table).to_parquet(buffer, index=False)
    return buffer.getvalue()


def record(table: Table) -> dict[str, Any]:
    """As plain data: every row's names, and for each of its cells the value, the text and what else is known of it."""
    rows = []
    for number, (names, cells) in enumerate(table.lines):
        values = table.values.iloc[number]
        known = table.details.columns.to_flat_index()
        details = [(known[place], table.details.iat[number, place]) for place in range(len(known))]
        told = [
            {"mask_set": column[0], "metric": column[1], "value": value, "text": text, "best": bool(best)}
            | {what.replace(" ", "_"): detail for (*of, what), detail in details if tuple(of) == column}
            for column, value, (text, best) in zip(table.columns, values, cells, strict=True)
        ]
        keys = [key.replace(" ", "_") for key in table.keys]
        rows.append(dict(zip(keys, names, strict=True)) | {"values": told})
    return {"title": table.title, "rows": rows, "notes": list(table.notes)}


def _flat(table: Table) -> pd.DataFrame:
    """With columns named ``MASK SET/DEFINITION``."""
    frames = [_named(frame) for frame in (table.values, table.details) if len(frame.columns)]
    return pd.concat(frames, axis=1).reset_index()


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    names = ["/".join(part for part in key if part) for key in frame.columns.to_flat_index()]
    return frame.set_axis(names, axis=1)
