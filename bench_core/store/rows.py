"""Rows of numbers on disk, as parquet. Texts are many and nearly all the same: they are read as categories."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from bench_core.errors import damaged
from bench_core.store import checksum

COLUMNS = {
    "method": "string",
    "variant": "string",
    "seed": "int64",
    "image": "string",
    "mask_set": "string",
    "mask_set_hash": "string",
    "hole_ratio": "float64",
    "metric": "string",
    "version": "int64",
    "region": "string",
    "source": "string",
    "value": "float64",
}
"""One row for every image and metric; a metric of a whole set has one row, whose image is ``*``."""
COMPARED = [
    "method",
    "variant",
    "seed",
    "image",
    "mask_set",
    "mask_set_hash",
    "hole_ratio",
    "metric",
    "version",
    "value",
]
"""What a table is made of."""
TEXTS = [name for name, kind in COLUMNS.items() if kind == "string"]
KINDS = {"string": pa.dictionary(pa.int32(), pa.string()), "int64": pa.int64(), "float64": pa.float64()}
SCHEMA = pa.schema([(name, KINDS[kind]) for name, kind in COLUMNS.items()])


def as_rows(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """A frame with exactly the columns of the store; a record without a version is of the first."""
    return pd.DataFrame([{"version": 1, **record} for record in records], columns=list(COLUMNS)).astype(COLUMNS)


def write(path: Path, rows: pd.DataFrame) -> None:
    buffer = pa.BufferOutputStream()
    table = pa.Table.from_pandas(rows, SCHEMA, preserve_index=False).replace_schema_metadata(
        {checksum.KEY: checksum.BLANK}
    )
    parquet.write_table(table, buffer)
    checksum.write(path, buffer.getvalue().to_pybytes())


def read(path: Path) -> pd.DataFrame:
    """The rows of a file, with texts as texts.

    Raises:
        BadInput: the file is damaged.
    """
    return _table(path).to_pandas().astype(COLUMNS)


def together(parts: Iterable[tuple[Path, str]]) -> pd.DataFrame:
    """The columns `COMPARED` of several files, each under the name of a mask set, with texts as categories.

    Raises:
        BadInput: a file is damaged.
    """
    with ThreadPoolExecutor() as threads:
        tables = list(threads.map(lambda part: _under(part[1], _table(part[0])).select(COMPARED), parts))
    table = pa.concat_tables([SCHEMA.empty_table().select(COMPARED), *tables]).unify_dictionaries()
    del tables
    frame = table.to_pandas(self_destruct=True)
    del table
    pa.default_memory_pool().release_unused()  # or it would be kept, as much again as the rows take
    return frame


def _table(path: Path) -> pa.Table:
    content = checksum.read(path)
    try:
        table = parquet.read_table(pa.BufferReader(content), read_dictionary=TEXTS, use_threads=False)
        return table.select(list(COLUMNS)).cast(SCHEMA)
    except Exception as error:  # damage makes pyarrow raise errors of many kinds
        raise damaged(path, error) from error


def _under(mask_set: str, table: pa.Table) -> pa.Table:
    codes = pa.array([0] * len(table), pa.int32())
    place = SCHEMA.get_field_index("mask_set")
    return table.set_column(place, SCHEMA.field(place), pa.DictionaryArray.from_arrays(codes, [mask_set]))
