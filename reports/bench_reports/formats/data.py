"""Tables as data: CSV, Parquet and records for JSON."""

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
    """Return a table as plain data: for each row its names, and for each cell its value, text and details."""
    detail_columns = table.details.columns.to_flat_index()
    rows = []
    for row, (names, cells) in enumerate(table.lines):
        details = {column: table.details.iat[row, place] for place, column in enumerate(detail_columns)}
        values = [
            {"mask_set": column[0], "metric": column[1], "value": value, "text": text, "best": bool(best)}
            | {key.replace(" ", "_"): detail for (*of, key), detail in details.items() if tuple(of) == column}
            for column, value, (text, best) in zip(table.columns, table.values.iloc[row], cells, strict=True)
        ]
        keys = [key.replace(" ", "_") for key in table.keys]
        rows.append(dict(zip(keys, names, strict=True)) | {"values": values})
    return {"title": table.title, "rows": rows, "notes": list(table.notes)}


def _flat(table: Table) -> pd.DataFrame:
    """Return one frame with columns named ``MASK SET/DEFINITION`` or ``MASK SET/DEFINITION/DETAIL``."""
    frames = [
        frame.set_axis(["/".join(filter(None, key)) for key in frame.columns.to_flat_index()], axis=1)
        for frame in (table.values, table.details)
        if len(frame.columns)
    ]
    return pd.concat(frames, axis=1).reset_index()
