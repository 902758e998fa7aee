"""`--json`: what a command found out, as one JSON document for programs (docs/json.md)."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from math import isfinite
from pathlib import Path
from typing import Any

import click

from bench_core.system import files

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs; all else goes to standard error.")


@contextmanager
def stdout_to_stderr(as_json: bool) -> Iterator[None]:
    """Within, what is printed goes to standard error if JSON will be the answer."""
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
    """The same in JSON's own types. A number that is none, or is infinite, becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if hasattr(value, "item"):  # one of numpy's numbers
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
