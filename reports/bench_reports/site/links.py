"""Where pages lie: names of methods are anybody's, names of files are not."""

import re

from bench_core.seeds import digest


def method_path(variant: str) -> str:
    """Of a method's page, from the site's folder. Different methods have different pages."""
    slug = re.sub(r"[^a-z0-9]+", "-", variant.lower()).strip("-")[:40]
    return f"methods/{slug or 'method'}-{digest(variant)[:8]}.html"
