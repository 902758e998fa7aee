"""`bench show`: the record of one method."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core.cli import completions
from bench_core.cli.json_output import JSON, print_json
from bench_core.cli.param_types import OneOf
from bench_core.errors import BadInput

if TYPE_CHECKING:
    from bench_core.plugins import Plugins
    from bench_core.recipe import Recipe, Update
    from bench_core.specs import Loss, Model


@click.command()
@click.argument("method", type=completions.METHOD, required=False)
@click.option("--cell", type=click.Path(path_type=Path), help="Show what a trained cell depends on, instead.")
@click.option("--scale", type=OneOf(["paper", "nano"]), default="paper", help="Networks as published, or narrow ones.")
@JSON
def show(method: str | None, cell: Path | None, scale: str, as_json: bool) -> None:
    """Show a method's paper, training recipe and networks.

    It also prints the supported images and masks, options, loss terms, and the number of parameters. With --cell it
    prints everything that the stored weights depend on, and what has changed since they were trained.

    \b
    Examples:
      bench show telea
      bench show METHOD:FORM --scale nano
      bench show --cell results/cells/CELL
    """
    if (method is None) == (cell is None):
        raise BadInput("Give a METHOD, or --cell with the folder of a trained cell, not both.")
    if cell:
        _show_cell(cell, as_json)
        return
    assert method
    from bench_core.plugins import Plugins

    found = Plugins.all()  # another plugin may define a loss term of its recipe
    model = found.model(method)
    if scale not in model.scales:
        raise BadInput(f"{method} has no scale {scale!r}, only {', '.join(model.scales)}.")
    record = _record(found, model, scale)
    if as_json:
        print_json(record)
    else:
        click.echo("\n".join([*_head(record), *_recipe_lines(record)]))


def _show_cell(cell: Path, as_json: bool) -> None:
    """Print the key of a stored cell. Sources and libraries that differ from the installed ones are marked."""
    from bench_core.store.cell_folder import CellFolder
    from bench_core.system import sources

    key = CellFolder(cell, {}).read_record("identity")
    if not key:
        raise BadInput(f"{cell} holds no identity.json. Give a folder below the cells/ of a store.")
    code, libraries = key.get("sources", {}), key.get("libraries", {})
    installed = sources.installed_sources(code) | sources.library_versions(*libraries)
    stored = {**code, **libraries}
    changed = [name for name in stored if stored[name] != installed.get(name)]
    if as_json:
        print_json({**key, "changed": changed})
        return
    for name in (name for name in key if name not in ("sources", "libraries")):
        click.echo(f"{name:20} {key[name]}")
    for name, value in stored.items():
        click.echo(f"{name:32} {value[:12]}{'  changed since' if name in changed else ''}")


def _record(found: "Plugins", model: "Model", scale: str) -> dict[str, Any]:
    layouts = [{"name": each.name, "title": each.title, "source": each.source} for each in model.checkpoints]
    return {
        "method": model.name,
        "title": model.title,
        "citation": model.citation,
        "scale": scale,
        "channels": model.channels,
        "size": model.fixed_size.get(scale),
        "size_multiple": model.size_multiple[scale],
        "min_size": model.min_size.get(scale),
        "serves": "some" if model.supports_hole else "any",
        "options": model.options,
        "layouts": layouts,
        "recipe": model.recipe and _recipe(model.recipe, found, model),
        "parameters": _parameters(model, scale) if model.recipe else {},
    }


def _recipe(recipe: "Recipe", found: "Plugins", model: "Model") -> dict[str, Any]:
    titles = {**found.records("losses"), **{loss.name: loss for loss in model.losses}}
    phases = [
        {
            "name": phase.name,
            "share": phase.share,
            "rounds": [[_update(each, titles) for each in one_round] for one_round in phase.rounds],
        }
        for phase in recipe.phases
    ]
    return {
        "batch": recipe.batch or None,
        "steps": recipe.steps or None,
        "initialisation": recipe.initialisation,
        "average": recipe.average and asdict(recipe.average),
        "phases": phases,
    }


def _update(update: "Update", titles: Mapping[str, "Loss"]) -> dict[str, Any]:
    losses = [{"name": name, "weight": weight, "title": titles[name].title} for name, weight in update.losses.items()]
    record = asdict(update)
    optimiser = record.pop("optimiser")
    return {**record, "optimiser": optimiser.pop("name"), **optimiser, "losses": losses}


def _parameters(model: "Model", scale: str) -> dict[str, int]:
    """Count the parameters of every network."""
    import torch

    from bench_core.specs import resolve

    with torch.device("meta"):
        built = resolve(model.build)(scale, model.channels[-1], **model.options)
    return {name: sum(p.numel() for p in network.parameters()) for name, network in built.named_children()}


def _head(record: dict[str, Any]) -> list[str]:
    channels, size = " or ".join(map(str, record["channels"])), record["size"]
    sides = f"sides of {size} pixels only" if size else f"sides that are multiples of {record['size_multiple']}"
    sides += f", {record['min_size']} or more" if record["min_size"] else ""
    owner = record["method"].partition(":")[0]
    return [
        f"{record['method']}: {record['title']}\n{record['citation']}\n",
        f"images     {channels} channels, {sides} (scale {record['scale']})",
        f"masks      {'some; `bench run` checks its mask sets first' if record['serves'] == 'some' else 'any'}",
        *(f"option     {owner}.{name}={str(value).lower()}" for name, value in record["options"].items()),
        *(f"weights    {each['name']}: {each['title']} ({each['source']})" for each in record["layouts"]),
    ]


def _recipe_lines(record: dict[str, Any]) -> list[str]:
    recipe = record["recipe"]
    if recipe is None:
        return ["recipe     training-free"]
    lines = [f"{key:10} {recipe[key] or 'not stated'} (in the paper)" for key in ("batch", "steps")]
    lines.append(f"init       {recipe['initialisation']}")
    for phase in recipe["phases"]:
        lines.append(f"\nphase {phase['name']!r}, share {phase['share']:g} of the budget")
        for number, one_round in enumerate(phase["rounds"], start=1):
            for update in one_round:
                settings = ", ".join(f"{key} {value}" for key, value in update["settings"].items())
                lines.append(f"  batch {number}: {update['network']} by {update['optimiser']} ({settings})")
                lines += [f"    {words}" for words in _ways(update)]
                lines += [f"    {each['weight']:<8g} {each['name']:18} {each['title']}" for each in update["losses"]]
    if recipe["average"]:
        lines.append("\nThe generator's weights are averaged over the training, and the average is evaluated.")
    counts = [f"  {name:16} {count:>12,} parameters" for name, count in record["parameters"].items()]
    return [*lines, "\nnetworks", *counts]


def _ways(update: dict[str, Any]) -> Iterator[str]:
    """Say what is unusual about an update."""
    if update["every"] > 1:
        yield f"in every {update['every']}th step"
    if update["max_norm"] is not None:
        yield f"gradient clipped to the norm {update['max_norm']:g}"
    if update["schedule"]:
        points = ", ".join(f"{factor:g} at {progress:.0%}" for progress, factor in update["schedule"]["points"])
        kind = "linear" if update["schedule"]["linear"] else "in steps"
        yield f"learning rate times {points} of the training, {kind}"
