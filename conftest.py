"""For all tests: shapes and types of every call are checked, and no test is timed, for machines are slow at times."""

from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

PLUGINS = [path.parent.name for path in Path(__file__).parent.glob("plugins/*/bench_*/__init__.py")]
install_import_hook(["bench_core", *PLUGINS], "beartype.beartype")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests of a file in one process, where they share fixtures, unless they have a group of their own."""
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
