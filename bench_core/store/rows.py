"""Rows of numbers on disk, as parquet. The many equal texts are stored as dictionaries."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from bench_core.errors import damaged, other_version
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
    "code": "string",
    "region": "string",
    "source": "string",
    "value": "float64",
}
"""Columns of a row. There is one row per image and metric; a metric of a whole set has one row with image ``*``."""
TABLE_COLUMNS = [
    "method",
    "variant",
    "seed",
    "image",
    "mask_set",
    "mask_set_hash",
    "hole_ratio",
    "metric",
    "version",
    "code",
    "value",
]
"""Columns that tables are made of."""
TEXT_COLUMNS = [name for name, kind in COLUMNS.items() if kind == "string"]
TYPES = {"string": pa.dictionary(pa.int32(), pa.string()), "int64": pa.int64(), "float64": pa.float64()}
SCHEMA = pa.schema([(name, TYPES[kind]) for name, kind in COLUMNS.items()])


def as_rows(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Build a frame with exactly the columns of the store. Version and code are 1 and "" if a record has none."""
    return pd.DataFrame([{"version": 1, "code": "", **record} for record in records], columns=list(COLUMNS)).astype(
        COLUMNS
    )


def write(path: Path, rows: pd.DataFrame) -> None:
    """Write a file of rows atomically, with its checksum. Raises WriteError."""
    buffer = pa.BufferOutputStream()
    metadata = {checksum.KEY: checksum.BLANK}
    table = pa.Table.from_pandas(rows, SCHEMA, preserve_index=False).replace_schema_metadata(metadata)
    parquet.write_table(table, buffer)
    checksum.write(path, buffer.getvalue().to_pybytes())


def read(path: Path) -> pd.DataFrame:
    """Read a file of rows. Texts are strings, not categories.

    Raises:
        BadInput: the file is damaged.
    """
    return _read_table(path).to_pandas().astype(COLUMNS)


def read_many(parts: Iterable[tuple[Path, str]]) -> pd.DataFrame:
    """Read the `TABLE_COLUMNS` of many files into one frame, with texts as categories.

    Args:
        parts: paths, each with the name that its mask set gets in the frame.

    Raises:
        BadInput: a file is damaged.
    """
    with ThreadPoolExecutor() as threads:
        tables = list(threads.map(lambda part: _rename_mask_set(_read_table(part[0]), part[1]), parts))
    table = pa.concat_tables([SCHEMA.empty_table().select(TABLE_COLUMNS), *tables]).unify_dictionaries()
    del tables
    frame = table.to_pandas(self_destruct=True)
    del table
    pa.default_memory_pool().release_unused()  # else pyarrow keeps as much memory again as the rows take
    return frame


def _read_table(path: Path) -> pa.Table:
    content = checksum.read(path)
    try:
        table = parquet.read_table(pa.BufferReader(content), read_dictionary=TEXT_COLUMNS, use_threads=False)
    except Exception as error:  # pyarrow raises many types for damaged files
        raise damaged(path, error) from error
    if "code" not in table.column_names:  # rows of earlier versions
        table = table.append_column("code", pa.array([""] * len(table)))
    if odd := set(table.column_names) ^ set(COLUMNS):
        raise other_version(path, f"its columns differ in {', '.join(sorted(odd))}")
    try:
        return table.select(list(COLUMNS)).cast(SCHEMA)
    except pa.ArrowException as error:
        raise other_version(path, error) from error


def _rename_mask_set(table: pa.Table, name: str) -> pa.Table:
    codes = pa.array([0] * len(table), pa.int32())
    column = SCHEMA.get_field_index("mask_set")
    renamed = pa.DictionaryArray.from_arrays(codes, [name])
    return table.set_column(column, SCHEMA.field(column), renamed).select(TABLE_COLUMNS)
