"""Selection of trackers by name."""

from collections.abc import Sequence
from importlib.util import find_spec

from bench_core.errors import BadInput, unknown
from bench_core.plugins import Plugins
from bench_core.specs import Tracker


def select_trackers(plugins: Plugins, names: Sequence[str]) -> list[Tracker]:
    """Return the trackers of these names, from the given plugins or else from any installed one.

    Raises:
        BadInput: a tracker is unknown, or a package that it needs is not installed.
    """
    known = plugins.records("trackers")
    if set(names) - set(known):
        known = Plugins.all().records("trackers")
    for name in names:
        if name not in known:
            raise unknown("tracker", name, known)
        needs = known[name].needs
        if needs and find_spec(needs) is None:
            raise BadInput(f"--tracker {name} needs `pip install inpaint-bench[{needs}]`.")
    return [known[name] for name in dict.fromkeys(names)]
