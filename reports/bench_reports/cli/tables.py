"""`bench tables`: tables and figures of papers, with measured numbers beside published ones."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core.cli import completions
from bench_core.cli.help_sections import Command, Group
from bench_core.cli.json_output import JSON, print_json, stdout_to_stderr
from bench_core.cli.run import run as bench_run
from bench_core.cli.run import run_plan
from bench_core.errors import BadInput, unknown
from bench_core.system import signals
from bench_reports.cli.paper_table_view import PaperTableView
from bench_reports.cli.report import FORMAT, OUTPUT

if TYPE_CHECKING:
    from bench_core.plugins import Plugins


class ImageSetFolder(click.ParamType):
    """Folder of the named image set, or of any image set if there is no name."""

    name = "[image_set=]folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        image_set, _, folder = value.rpartition("=")
        return image_set, Path(folder)


DATA = click.option("--data", type=ImageSetFolder(), multiple=True, help="Folder of an image set (repeatable).")
FIXED_OPTIONS = {"plugins", "protocol", "data", "added", "dropped", "baselines", "metrics", "devices", "nodes"}
"""Options of `bench run` that a paper's table decides itself, or that only `bench run` supports."""


@click.group(cls=Group, invoke_without_command=True)
@DATA
@JSON
@click.pass_context
def tables(context: click.Context, data: tuple[tuple[str, Path], ...], as_json: bool) -> None:
    """List and reproduce tables from papers.

    Without a command, list all tables with the data, weights and methods that each needs, and those missing here.

    \b
    Examples:
      bench tables
      bench tables run NAME --data IMAGE_SET=FOLDER
      bench tables show NAME results --format latex
    """
    if context.invoked_subcommand:
        return
    from bench_core.experiment.paper_requirements import requirements

    plugins = _plugins()
    folders = _folders(plugins, data)
    views = [PaperTableView(plugins, name) for name in plugins.records("paper_tables")]
    listed = [
        (view.name, view.table.title, requirements(view.table, view.protocols, plugins, folders)) for view in views
    ]
    if as_json:
        print_json(
            [
                {"name": name, "title": title, "needs": needed.wanted, "missing": needed.missing}
                for name, title, needed in listed
            ]
        )
        return
    for name, title, needed in listed:
        click.echo(f"{name}: {title}")
        for label, items in (("needs", needed.wanted), ("missing", needed.missing)):
            for item in items:
                click.echo(f"    {label:8} {item}")


@tables.command()
@click.argument("name", type=completions.TABLE)
@click.argument("runs", required=False, type=click.Path(path_type=Path))
@click.option(
    "--run", "chosen", multiple=True, type=click.Path(path_type=Path), help="Run to take, if several fit a protocol."
)
@FORMAT
@OUTPUT
@JSON
def show(
    name: str, runs: Path | None, chosen: tuple[Path, ...], format_: str, output: Path | None, as_json: bool
) -> None:
    """Print published and measured numbers of a table.

    RUNS is a folder that `bench run` wrote to; without it only published numbers are shown. For a figure of curves,
    `-o FILE.svg` or `-o FILE.png` draws it and writes its numbers to a .csv beside it.

    \b
    Examples:
      bench tables show NAME results --format markdown
      bench tables show NAME results -o figure.svg
    """
    view = PaperTableView(_plugins(), name, chosen)
    if as_json:
        print_json(view.record(runs), output)
    else:
        view.show(runs, format_, output)


@tables.command(cls=Command, params=[option for option in bench_run.params if option.name not in FIXED_OPTIONS])
@click.argument("name", type=completions.TABLE)
@DATA
@signals.handle_signals()
def run(name: str, out: Path, data: tuple[tuple[str, Path], ...], as_json: bool, **options: Any) -> None:
    """Train and evaluate the methods of a table, and print it.

    Protocols without data and methods that are not installed are skipped with a message.

    \b
    Examples:
      bench tables run NAME --data IMAGE_SET=FOLDER --data OTHER_SET=FOLDER
    """
    from bench_core.experiment.options import RunOptions
    from bench_core.experiment.paper_requirements import requirements
    from bench_core.experiment.plan import plan

    plugins = _plugins()
    view, folders = PaperTableView(plugins, name), _folders(plugins, data)
    available = requirements(view.table, view.protocols, plugins, folders).requests
    image_sets, done = plugins.records("image_sets"), []
    for protocol_name, protocol in view.protocols.items():
        image_set = options["image_set"] or protocol.image_set
        folder = folders.get(image_set, folders.get(""))
        requests = [request for request in view.table.requests(protocol_name) if request in available]
        if image_set in image_sets and image_sets[image_set].needs_folder and folder is None:
            source = image_sets[image_set].source
            click.echo(f"Skipping {protocol_name}: give --data {image_set}=FOLDER. {source}", err=True)
        elif not requests:
            click.echo(f"Skipping {protocol_name}: none of its methods is installed.", err=True)
        else:
            fixed = {"plugins": tuple(requests), "protocol": protocol_name, "out": out, "data": folder}
            with stdout_to_stderr(as_json):
                done.append(run_plan(plan(RunOptions(**options, **fixed, baselines=False))))
    if not done:
        raise BadInput(f"Nothing in the table {name} can be measured here; `bench tables` lists what is missing.")
    view.chosen = [record["run"] for _, record in done if record]
    if as_json:
        print_json({"runs": [record for _, record in done], "table": view.record(out)})
    else:
        view.show(out, "terminal", None)
    sys.exit(max(code for code, _ in done))


def _folders(plugins: "Plugins", data: tuple[tuple[str, Path], ...]) -> dict[str, Path]:
    """Return the folders by image set; the empty name stands for any."""
    for name, _ in data:
        if name and name not in (known := plugins.records("image_sets")):
            raise unknown("image set", name, known)
    return dict(data)


def _plugins() -> "Plugins":
    from bench_core.plugins import Plugins

    return Plugins.all()
