"""Check the import contracts of pyproject.toml, with every package of plugins/ added to them."""

import json
import sys
import tomllib
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from importlinter.cli import lint_imports

ROOT = Path(__file__).parent
PARTS = {"bench_masks", "bench_datasets", "bench_reports", "bench_perf"}
"""A list that names all parts names all plugins, too."""


def with_plugins(options: dict[str, Any]) -> dict[str, Any]:
    """The options of import-linter, with the plugins in every list that names all parts."""
    plugins = sorted(path.parent.name for path in ROOT.glob("plugins/*/bench_*/__init__.py"))
    for section in (options, *options["contracts"]):
        for key, value in section.items():
            if isinstance(value, list) and {each for each in value if isinstance(each, str)} >= PARTS:
                section[key] = [*value, *plugins]
    return options


def as_toml(options: dict[str, Any]) -> str:
    """Options as TOML, in which texts, booleans and lists of texts are written as in JSON."""
    contracts = options.pop("contracts")
    sections = [("[tool.importlinter]", options), *(("[[tool.importlinter.contracts]]", each) for each in contracts)]
    lines = (
        "\n".join([title, *(f"{key} = {json.dumps(value)}" for key, value in of.items())]) for title, of in sections
    )
    return "\n\n".join(lines)


if __name__ == "__main__":
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    with NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(as_toml(with_plugins(options)))
        file.flush()
        sys.exit(lint_imports(file.name, no_logo=True))
