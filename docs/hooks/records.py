"""Show the records of installed plugins: below each plugin's own page, and as one list of all methods."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from repository import ELSEWHERE

from bench_core.plugins import Plugins
from bench_core.recipe import Recipe
from bench_core.specs import Model

PLUGINS = [uri.removeprefix("methods/")[:-3] for uri in ELSEWHERE.values() if uri.startswith("methods/")]
LOADED = Plugins.find().load(PLUGINS, strict=True)
MODELS: dict[str, list[Model]] = {plugin.name: plugin.records["models"] for plugin in LOADED}
INDEX = """# Methods

Each plugin brings a method, often in several forms. Its page shows the plugin's README and then its records.

"""


def on_files(files: Files, config: MkDocsConfig) -> None:
    files.append(File.generated(config, "methods/index.md", content=INDEX + overview()))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    folder, _, name = page.file.src_uri.removesuffix(".md").rpartition("/")
    return f"{markdown}\n{records(MODELS[name])}" if folder == "methods" and name in MODELS else markdown


def overview() -> str:
    """Return a table of every form of every method."""
    rows = ((_linked(name, model), model.title, _parameters(model)[0]) for name in MODELS for model in MODELS[name])
    return table(("form", "title", "parameters"), rows)


def records(models: list[Model]) -> str:
    """Return citations, forms, options and recipes of one plugin."""
    return "\n".join(
        ["## Its records\n", *dict.fromkeys(f"{model.citation}\n" for model in models), *_sections(models)]
    )


def _sections(models: list[Model]) -> Iterator[str]:
    forms = ((f"`{model.name}`", model.title, *_parameters(model), *_sides(model)) for model in models)
    yield table(("form", "title", "parameters, `paper`", "`nano`", "sides, `paper`", "`nano`"), forms)
    options = _shared(models, lambda model: [(name, f"`{value}`") for name, value in model.options.items()])
    yield table(("option", "default", "of"), ((f"`{name}`", value, forms) for (name, value), forms in options))
    for recipe, forms in _shared(models, lambda model: [model.recipe]):
        yield f"### Recipe of {forms}\n\n{_recipe(recipe)}"


def _shared(models: list[Model], values: Callable[[Model], list[Any]]) -> Iterator[tuple[Any, str]]:
    """Yield every distinct value with the forms that share it."""
    found = [(value, f"`{model.name}`") for model in models for value in values(model)]
    for place, (value, _) in enumerate(found):
        if value not in [before for before, _ in found[:place]]:
            yield value, ", ".join(form for other, form in found if other == value)


def _recipe(recipe: Recipe | None) -> str:
    if recipe is None:
        return "Training-free.\n"
    budget = f"The paper's batch: {recipe.batch or 'not stated'}; its steps: {recipe.steps or 'not stated'}."
    updates = table(("phase", "batch", "network", "optimiser", "losses"), _updates(recipe))
    return f"{budget} Initialisation: {recipe.initialisation}.\n\n{updates}"


def _updates(recipe: Recipe) -> Iterator[tuple[str, ...]]:
    for phase in recipe.phases:
        for number, one_round in enumerate(phase.rounds, start=1):
            for update in one_round:
                settings = ", ".join(f"{key} {value}" for key, value in update.optimiser.settings.items())
                losses = " + ".join(f"{weight:g} `{term}`" for term, weight in update.losses.items())
                yield phase.name, str(number), update.network, f"{update.optimiser.name} ({settings})", losses


def _parameters(model: Model) -> tuple[str, str]:
    paper, nano = (model.num_parameters.get(scale) for scale in ("paper", "nano"))
    return f"{paper:,}" if paper else "", f"{nano:,}" if nano else ""


def _sides(model: Model) -> Iterator[str]:
    for scale in ("paper", "nano"):
        fixed, multiple = model.fixed_size.get(scale), model.size_multiple.get(scale)
        smallest = f", {model.min_size[scale]} or more" if scale in model.min_size else ""
        yield f"{fixed} only" if fixed else f"multiples of {multiple}{smallest}" if multiple else "no such scale"


def _linked(plugin: str, model: Model) -> str:
    """Return the form as a link to the plugin's page, if there is one."""
    return f"`{model.name}`" if plugin not in PLUGINS else f"[`{model.name}`]({plugin}.md)"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table, or "" without rows."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *lines)) if lines else ""
