"""Rendering of pages, data scripts for pages, and paths of method pages."""

import json
import re
from math import isnan
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench_core.seeds import digest

ASSETS = Path(__file__).parent / "assets"
INFINITY = 1e300
"""Number that stands for infinity in JSON."""
_TEMPLATES = Environment(
    loader=PackageLoader("bench_reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, path: str, has_gallery: bool, **context: Any) -> bytes:
    """Render ``templates/site/TEMPLATE`` for a page at `path` in the site. A gallery is linked if the site has one."""
    context |= {"root": "../" * path.count("/"), "path": path, "has_gallery": has_gallery}
    return _TEMPLATES.get_template(f"site/{template}").render(**context).encode()


def method_path(variant: str) -> str:
    """Return the path of a method's page. Names are arbitrary text, so it combines a safe part with a digest."""
    slug = re.sub(r"[^a-z0-9]+", "-", variant.lower()).strip("-")[:40]
    return f"methods/{slug or 'method'}-{digest(variant)[:8]}.html"


def json_number(value: float | None) -> float | None:
    """Return a number that JSON can hold: None for NaN, a large number for infinity."""
    return None if value is None or isnan(value) else max(-INFINITY, min(float(value), INFINITY))


def data_script(name: str, value: Any) -> bytes:
    """Return a script that sets a variable of the window; pages opened from files cannot fetch data."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # escape everything that could end the script or its line
    safe = "".join(f"\\u{ord(each):04x}" if each in "<>&\u2028\u2029" else each for each in text)
    return f"window.{name} = {safe};\n".encode()
