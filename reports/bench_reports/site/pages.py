"""Pages from templates, and what all of them share."""

import json
from math import isnan
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

ASSETS = Path(__file__).parent / "assets"
LARGEST = 1e300
"""Stands for infinity."""
_TEMPLATES = Environment(
    loader=PackageLoader("bench_reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, path: str, gallery: bool, **context: Any) -> bytes:
    """The page that will lie at `path` in the site, from ``templates/site/TEMPLATE``.

    `gallery` tells whether the site has one, which the pages then lead to.
    """
    root = "../" * path.count("/")
    return _TEMPLATES.get_template(f"site/{template}").render(root=root, path=path, gallery=gallery, **context).encode()


def number(value: float | None) -> float | None:
    """As JSON has it, which knows no infinity."""
    return None if value is None or isnan(value) else max(-LARGEST, min(float(value), LARGEST))


def script(name: str, value: Any) -> bytes:
    """A script that sets a variable of the window: data for pages that cannot fetch, since they are files."""
    return f"window.{name} = {_harmless(json.dumps(value, ensure_ascii=False, allow_nan=False))};\n".encode()


def _harmless(text: str) -> str:
    """JSON with nothing in it that ends a script or a line of one."""
    return "".join(f"\\u{ord(each):04x}" if each in "<>&\u2028\u2029" else each for each in text)
