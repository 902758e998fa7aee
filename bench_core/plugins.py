"""Finds plugins by their entry points and loads them. A broken plugin does not stop the others."""

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
"""Entry-point group of plugins whose methods join every run, unless ``--no-baselines`` is given."""
CORE_DISTRIBUTION = "inpaint-bench"
"""Distribution of the harness. Its own plugins, called parts, are always loaded."""


@dataclass
class Plugin:
    """An installed plugin, loaded or not."""

    entry: Any
    """An `importlib.metadata.EntryPoint`, or the same class of its backport if a library has installed that."""
    module: ModuleType | None = None
    records: dict[str, list[Any]] = field(default_factory=dict)
    """Records that its hooks returned, by hook name without ``bench_``."""
    error: str = ""
    """Traceback of the error that stopped it from loading; empty if there was none."""

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def is_part(self) -> bool:
        """True for a part of the harness itself."""
        return self.entry.dist is not None and self.entry.dist.name == CORE_DISTRIBUTION

    @property
    def version(self) -> str:
        return self.entry.dist.version if self.entry.dist else "unknown"

    @property
    def requirements(self) -> list[str]:
        """Requirements of its distribution, such as ``scipy>=1.13``."""
        return (self.entry.dist.requires or []) if self.entry.dist else []

    def __reduce__(self) -> tuple[Any, ...]:
        # modules cannot be pickled: the receiving process loads the plugin by its name
        return _load_by_name, (self.name,)

    @property
    def hooks(self) -> list[str]:
        """Names of the hooks it implements, without ``bench_``."""
        return sorted(self.records)

    @property
    def state(self) -> str:
        """ "installed", "loaded" or "broken"."""
        return "broken" if self.error else "loaded" if self.module else "installed"

    @property
    def reason(self) -> str:
        """Last line of the error."""
        return self.error.strip().rpartition("\n")[2]


@dataclass
class Plugins:
    """The installed plugins, and the records of the loaded ones."""

    installed: dict[str, Plugin] = field(default_factory=dict)
    baselines: list[str] = field(default_factory=list)
    """Names of the plugins whose methods join every run."""

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
        """Find the installed plugins and load all of them."""
        plugins = cls.find()
        plugins.load_all()
        return plugins

    @property
    def on_request(self) -> list[str]:
        """Names of the plugins that a user can select: all except the parts."""
        return [name for name, plugin in self.installed.items() if not plugin.is_part]

    @cached_property
    def _manager(self) -> pluggy.PluginManager:
        manager = pluggy.PluginManager("bench")
        manager.add_hookspecs(hookspecs)
        return manager

    def load(self, names: Iterable[str], strict: bool = False) -> list[Plugin]:
        """Load plugins by name and return them. A broken plugin is returned with its `error` set.

        Raises:
            BadInput: A plugin is not installed, or it is broken and `strict` is True.
        """
        plugins = []
        for name in names:
            if name not in self.installed:
                raise unknown("plugin", name, self.on_request)
            plugins.append(self.installed[name])
        for plugin in plugins:
            if plugin.state == "installed":
                self._import(plugin)
            if strict and plugin.error:
                raise BadInput(f"The plugin {plugin.name!r} cannot be loaded: {plugin.reason} (see `bench plugins`)")
        return plugins

    def load_all(self) -> None:
        """Load every installed plugin."""
        self.load(list(self.installed))

    def _import(self, plugin: Plugin) -> None:
        try:
            module = plugin.entry.load()
            self._manager.register(module, plugin.name)
            self._manager.check_pending()
            plugin.records = {
                caller.name.removeprefix("bench_"): cast(list, implementation.function())
                for caller in self._manager.get_hookcallers(module) or []
                if caller.name.removeprefix("bench_") in _RECORD_TYPES
                for implementation in caller.get_hookimpls()
                if implementation.plugin is module
            }
            _require_record_types(plugin.records)
            plugin.module = module
        except Exception:  # a plugin is foreign code: no error in it may stop the other plugins
            plugin.error = traceback.format_exc(limit=-3)
            plugin.records = {}
            if self._manager.has_plugin(plugin.name):
                self._manager.unregister(name=plugin.name)

    def model(self, name: str) -> Model:
        """Return a method by its name, loading further plugins if needed.

        Raises:
            BadInput: No installed plugin has such a method.
        """
        if name not in self.records("models"):
            self.load_all()
        models = self.records("models")
        if name not in models:
            raise unknown("method", name, models)
        return models[name]

    def publish(self, **run: Any) -> dict[str, Any]:
        """Call the hook `bench_publish` of all loaded plugins and merge the dicts they return."""
        reported: dict[str, Any] = {}
        for facts in self._manager.hook.bench_publish(plugins=self, **run):
            reported |= facts
        return reported

    def records(self, hook: str) -> dict[str, Any]:
        """Return the records that all loaded plugins returned from one hook, by name.

        Args:
            hook: Name of the hook without ``bench_``, such as ``"models"``.

        Raises:
            BadInput: Two plugins use the same name.
        """
        named: dict[str, Any] = {}
        for plugin in self.installed.values():
            for record in plugin.records.get(hook, ()):
                name = record.definition if hook == "metrics" else record.name
                if name in named:
                    raise BadInput(f"Two plugins define {hook} named {name!r}; load only one of them.")
                named[name] = record
        return named


def _load_by_name(name: str) -> Plugin:
    (plugin,) = Plugins.find().load([name], strict=True)
    return plugin


_RECORD_TYPES = {
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


def _require_record_types(records: dict[str, list[Any]]) -> None:
    for hook, found in records.items():
        for record in found:
            if not isinstance(record, _RECORD_TYPES[hook]):
                raise TypeError(
                    f"bench_{hook} must return a list of {_RECORD_TYPES[hook].__name__} records, not of {record!r}"
                )
