"""`--json`: results as one JSON document for programs (docs/json.md)."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from math import isfinite
from pathlib import Path
from typing import Any

import click

from bench_core.system import files

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON; all other output goes to standard error.")


@contextmanager
def stdout_to_stderr(as_json: bool) -> Iterator[None]:
    """Redirect standard output to standard error if JSON is wanted."""
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        yield


def print_json(record: Any, output: Path | None = None) -> None:
    """Print a record as JSON, or write it to a file."""
    text = json.dumps(plain(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if output:
        files.write_bytes(output, text.encode())
    else:
        click.echo(text, nl=False)


def plain(value: Any) -> Any:
    """Convert a value to JSON types. NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
