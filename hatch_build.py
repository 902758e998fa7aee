"""Fills in the extra `methods`: every plugin below plugins/, so that no list names them."""

import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class PluginExtra(MetadataHookInterface):
    """Adds the distributions of plugins/ from this checkout to the optional dependencies."""

    def update(self, metadata: dict[str, Any]) -> None:
        projects = sorted((Path(self.root) / "plugins").glob("*/pyproject.toml"))
        names = {path.parent: tomllib.loads(path.read_text())["project"]["name"] for path in projects}
        extras = self.config["optional-dependencies"]
        extras["methods"] = [f"{name} @ {folder.resolve().as_uri()}" for folder, name in names.items()]
        metadata["optional-dependencies"] = extras
