"""What a page tells of one method, under all rules that it was run with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench_core.plugins import Plugins
from bench_core.specs import Model
from bench_core.store.store import Run, Store
from bench_reports.site.method_runs import MethodRun, trials
from bench_reports.site.plots import of_method
from bench_reports.site.readme import differences


def methods(
    store: Store, runs: Sequence[tuple[Run, Mapping[str, Any]]], plugins: Plugins
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of every variant, with what the template of its page needs. Merged runs come with their leaderboards."""
    found: dict[str, list[MethodRun]] = {}
    for run, board in runs:
        for name, trial in trials(store, run, board, plugins).items():
            found.setdefault(name, []).append(trial)
    for name, under in found.items():
        curves = [(trial.board, of_method(store, trial.run, name, plugins.records("metrics"))) for trial in under]
        yield name, {**_about(name, under, plugins), "curves": [(board, plots) for board, plots in curves if plots]}


def _about(name: str, under: list[MethodRun], plugins: Plugins) -> dict[str, Any]:
    cells = [cell for trial in under for cell in trial.cells]
    identity = next((cell.identity for cell in cells if cell.identity), {})
    recipe = identity.get("recipe")
    model: Model | None = plugins.records("models").get(cells[0].entry.method)
    return {
        "name": name,
        "model": model,
        "trials": under,
        "recipe": recipe,
        "facts": _facts(model, recipe, [cell.training for cell in cells]),
        "shares": sum(phase["share"] for phase in recipe["phases"]) if recipe else 0,
        "titles": _loss_titles(model, plugins),
        "differences": differences(plugins.installed.get(identity.get("plugin", ""))),
    }


def _facts(
    model: Model | None, recipe: Mapping[str, Any] | None, trainings: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """What is known of the networks; "" where it is not stated."""
    counted = dict.fromkeys(f"{each['parameters']:,}" for each in trainings if each.get("parameters"))
    declared = [f"{count:,} (scale {scale})" for scale, count in model.num_parameters.items()] if model else []
    found = {"Parameters of the generator, as trained": ", ".join(counted), "As declared": ", ".join(declared)}
    if recipe:
        updates = [update for phase in recipe["phases"] for round_ in phase["rounds"] for update in round_]
        found |= {
            "Trained networks": ", ".join(dict.fromkeys(update["network"] for update in updates)),
            "Initialisation": recipe["initialisation"],
            "Batch in the paper": str(recipe["batch"] or "not stated"),
            "Steps in the paper": f"{recipe['steps']:,}" if recipe["steps"] else "not stated",
        }
    return {label: text for label, text in found.items() if text}


def _loss_titles(model: Model | None, plugins: Plugins) -> dict[str, str]:
    """What the terms of a recipe mean."""
    own = {loss.name: loss for loss in model.losses} if model else {}
    return {name: loss.title for name, loss in {**plugins.records("losses"), **own}.items()}
