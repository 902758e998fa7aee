"""For all tests: shapes and types of every call are checked, and no test is timed, for machines are slow at times."""

from pathlib import Path

from hypothesis import settings
from jaxtyping import install_import_hook

PLUGINS = [path.name for path in Path(__file__).parent.glob("plugins/*/bench_*")]
install_import_hook(["bench_core", *PLUGINS], "beartype.beartype")

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
