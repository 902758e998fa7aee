"""Which trackers a user asks for, and whether they can be had."""

from collections.abc import Sequence
from importlib.util import find_spec

from bench_core.errors import BadInput, unknown
from bench_core.plugins import Plugins
from bench_core.specs import Tracker


def choose_trackers(plugins: Plugins, names: Sequence[str]) -> list[Tracker]:
    """The trackers of these names, whichever installed plugins bring them.

    Raises:
        BadInput: one is unknown or not installed.
    """
    known = plugins.records("trackers")
    if set(names) - set(known):
        others = Plugins.all()
        known = others.records("trackers")
    for name in names:
        if name not in known:
            raise unknown("tracker", name, known)
        needs = known[name].needs
        if needs and find_spec(needs) is None:
            raise BadInput(f"--tracker {name} needs `pip install inpaint-bench[{needs}]`.")
    return [known[name] for name in dict.fromkeys(names)]
