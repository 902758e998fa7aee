"""Content of a method's page: record, recipe, curves, differences from the paper, and its runs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from bench_core.plugins import Plugin, Plugins
from bench_core.specs import Model
from bench_core.store.store import Run, Store
from bench_reports.site.method_runs import MethodRun, method_runs
from bench_reports.site.plots import method_plots

_SECTION = re.compile(r"^## Differences from the paper\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_RELATIVE_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
# raw HTML stays text, and images would be loaded from the network
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "html_block", "html_inline"])


def method_pages(
    store: Store, runs: Sequence[tuple[Run, Mapping[str, Any]]], plugins: Plugins
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every variant with the context of its page's template. Merged runs come with their leaderboards."""
    by_variant: dict[str, list[MethodRun]] = {}
    for run, board in runs:
        for name, method_run in method_runs(store, run, board, plugins).items():
            by_variant.setdefault(name, []).append(method_run)
    for name, found in by_variant.items():
        curves = [(each.board, method_plots(store, each.run, name, plugins.records("metrics"))) for each in found]
        yield name, {**_context(name, found, plugins), "curves": [(board, plots) for board, plots in curves if plots]}


def _context(name: str, runs: list[MethodRun], plugins: Plugins) -> dict[str, Any]:
    cells = [cell for run in runs for cell in run.cells]
    identity = next((cell.identity for cell in cells if cell.identity), {})
    recipe = identity.get("recipe")
    model: Model | None = plugins.records("models").get(cells[0].entry.method)
    own_losses = {loss.name: loss for loss in model.losses} if model else {}
    losses = {**plugins.records("losses"), **own_losses}
    return {
        "name": name,
        "model": model,
        "runs": runs,
        "recipe": recipe,
        "facts": _facts(model, recipe, [cell.training for cell in cells]),
        "shares": sum(phase["share"] for phase in recipe["phases"]) if recipe else 0,
        "titles": {name: loss.title for name, loss in losses.items()},
        "differences": readme_differences(plugins.installed.get(identity.get("plugin", ""))),
    }


def _facts(
    model: Model | None, recipe: Mapping[str, Any] | None, trainings: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return labelled facts about the networks, without unknown ones."""
    counted = dict.fromkeys(f"{each['parameters']:,}" for each in trainings if each.get("parameters"))
    declared = [f"{count:,} (scale {scale})" for scale, count in model.num_parameters.items()] if model else []
    facts = {"Parameters of the generator, as trained": ", ".join(counted), "As declared": ", ".join(declared)}
    if recipe:
        updates = [update for phase in recipe["phases"] for round_ in phase["rounds"] for update in round_]
        facts |= {
            "Trained networks": ", ".join(dict.fromkeys(update["network"] for update in updates)),
            "Initialisation": recipe["initialisation"],
            "Batch in the paper": str(recipe["batch"] or "not stated"),
            "Steps in the paper": f"{recipe['steps']:,}" if recipe["steps"] else "not stated",
        }
    return {label: text for label, text in facts.items() if text}


def readme_differences(plugin: Plugin | None) -> Markup:
    """Render the section "Differences from the paper" of a plugin's README; empty if there is none."""
    dist = plugin.entry.dist if plugin else None
    text = (dist.metadata["Description"] or "") if dist else ""
    section = _SECTION.search(text.replace("\r\n", "\n"))
    # links into the plugin's own folder would lead nowhere
    return Markup(_MARKDOWN.render(_RELATIVE_LINK.sub(r"\1", section[1]))) if section else Markup()
