"""Finding plugins by entry points, loading those asked for, and surviving those that are broken."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, cast

import pluggy

from bench_core import hookspecs
from bench_core.errors import BadInput, unknown
from bench_core.specs import Command, Executor, ImageSet, Loss, MaskFamily, Metric, Model, NamedFile, Report, Tracker

GROUP = "bench"
BASELINES = "bench.baselines"
"""Entry points of this group name plugins whose methods are in every run, unless it is given ``--no-baselines``."""
OURS = "inpaint-bench"
"""The distribution of the harness. Its own plugins, the parts, are always loaded."""


@dataclass
class Plugin:
    """An installed plugin, loaded or not."""

    entry: Any
    """Its entry point: importlib.metadata's, or its backport's where some library has imported that."""
    module: ModuleType | None = None
    records: dict[str, list[Any]] = field(default_factory=dict)
    """What its hooks returned."""
    error: str = ""
    """Why it could not be loaded: the real error's traceback."""

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def is_part(self) -> bool:
        return self.entry.dist is not None and self.entry.dist.name == OURS

    @property
    def version(self) -> str:
        return self.entry.dist.version if self.entry.dist else "unknown"

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process loads it anew, by its name."""
        return _again, (self.name,)

    @property
    def hooks(self) -> list[str]:
        return sorted(self.records)

    @property
    def state(self) -> str:
        return "broken" if self.error else "loaded" if self.module else "installed"

    @property
    def reason(self) -> str:
        """The last line of the error."""
        return self.error.strip().rpartition("\n")[2]


@dataclass
class Plugins:
    """What is installed, and the records of what is loaded."""

    installed: dict[str, Plugin] = field(default_factory=dict)
    baselines: list[str] = field(default_factory=list)
    """Names of the plugins whose methods are in every run."""

    @classmethod
    def find(cls) -> "Plugins":
        """Find the installed plugins and load the harness's own parts."""
        found = sorted((Plugin(entry) for entry in entry_points(group=GROUP)), key=lambda each: each.name)
        parts = [plugin for plugin in found if plugin.is_part]
        others = [plugin for plugin in found if not plugin.is_part]
        baselines = sorted(entry.name for entry in entry_points(group=BASELINES) if entry.group == BASELINES)
        plugins = cls({plugin.name: plugin for plugin in (*parts, *others)}, baselines)
        plugins.load(plugin.name for plugin in parts)
        return plugins

    @classmethod
    def all(cls) -> "Plugins":
        """Find the installed plugins and load every one."""
        plugins = cls.find()
        plugins.load_all()
        return plugins

    @property
    def on_request(self) -> list[str]:
        """Names of the plugins that a user asks for: all but the parts."""
        return [name for name, plugin in self.installed.items() if not plugin.is_part]

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        manager = pluggy.PluginManager("bench")
        manager.add_hookspecs(hookspecs)
        return manager

    def load(self, names: Iterable[str], strict: bool = False) -> list[Plugin]:
        """Load plugins by name and return them; a broken one carries its error.

        Raises:
            BadInput: a name is not installed, or, when `strict`, a plugin is broken.
        """
        loaded = [self._get(name) for name in names]
        for plugin in loaded:
            if plugin.state == "installed":
                self._import(plugin)
            if strict and plugin.error:
                raise BadInput(f"The plugin {plugin.name!r} cannot be loaded: {plugin.reason} (see `bench plugins`)")
        return loaded

    def load_all(self) -> None:
        """Load every installed plugin."""
        self.load(list(self.installed))

    def _get(self, name: str) -> Plugin:
        if name not in self.installed:
            raise unknown("plugin", name, self.on_request)
        return self.installed[name]

    def _import(self, plugin: Plugin) -> None:
        try:
            module = plugin.entry.load()
            self._manager.register(module, plugin.name)
            self._manager.check_pending()
            plugin.records = {
                caller.name.removeprefix("bench_"): cast(list, implementation.function())
                for caller in self._manager.get_hookcallers(module) or []
                if caller.name.removeprefix("bench_") in _TYPES
                for implementation in caller.get_hookimpls()
                if implementation.plugin is module
            }
            _check_types(plugin.records)
            plugin.module = module
        except Exception:  # whatever a stranger's module does must not stop the others
            plugin.error = traceback.format_exc(limit=-3)
            plugin.records = {}
            if self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)

    def model(self, name: str) -> Model:
        """A method by its name, whichever plugin brings it.

        Raises:
            BadInput: no installed plugin does.
        """
        if name not in self.records("models"):
            self.load_all()
        models = self.records("models")
        if name not in models:
            raise unknown("method", name, models)
        return models[name]

    def publish(self, **run: Any) -> dict[str, Any]:
        """Call the hook `bench_publish` of all loaded plugins, and return what they report, in one dict."""
        reported: dict[str, Any] = {}
        for facts in self._manager.hook.bench_publish(plugins=self, **run):
            reported |= facts
        return reported

    def records(self, hook: str) -> dict[str, Any]:
        """Every loaded plugin's records of one hook, by name.

        Raises:
            BadInput: two plugins give the same name.
        """
        named: dict[str, Any] = {}
        for plugin in self.installed.values():
            for record in plugin.records.get(hook, ()):
                name = record.definition if hook == "metrics" else record.name
                if name in named:
                    raise BadInput(f"Two plugins define {hook} named {name!r}; load only one of them.")
                named[name] = record
        return named


def _again(name: str) -> Plugin:
    (plugin,) = Plugins.find().load([name], strict=True)
    return plugin


_TYPES = {
    "commands": Command,
    "models": Model,
    "losses": Loss,
    "masks": MaskFamily,
    "image_sets": ImageSet,
    "metrics": Metric,
    "reports": Report,
    "executors": Executor,
    "trackers": Tracker,
    "protocols": NamedFile,
    "paper_tables": NamedFile,
}


def _check_types(records: dict[str, list[Any]]) -> None:
    for hook, found in records.items():
        for record in found:
            if not isinstance(record, _TYPES[hook]):
                raise TypeError(
                    f"bench_{hook} must return a list of {_TYPES[hook].__name__} records, not of {record!r}"
                )
