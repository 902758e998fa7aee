"""Pages from templates, and what all of them share."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

ASSETS = Path(__file__).parent / "assets"
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
