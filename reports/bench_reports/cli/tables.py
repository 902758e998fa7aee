"""`bench tables`: tables and figures of papers, measured anew beside what was published."""

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
    """The folder of one image set, or of any that is asked for."""

    name = "[image_set=]folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        image_set, _, folder = value.rpartition("=")
        return image_set, Path(folder)


DATA = click.option("--data", type=ImageSetFolder(), multiple=True, help="Folder of an image set (repeatable).")
SETTLED = {"plugins", "protocol", "data", "added", "dropped", "baselines", "metrics", "devices", "nodes"}
"""What a table says itself, and what only `bench run` can do; every other option of `bench run` may be given."""


@click.group(cls=Group, invoke_without_command=True)
@DATA
@JSON
@click.pass_context
def tables(context: click.Context, data: tuple[tuple[str, Path], ...], as_json: bool) -> None:
    """List the tables of papers, and measure them anew.

    Without a command, they are listed with what measuring each anew needs, and what of it is missing here.

    \b
    Examples:
      bench tables
      bench tables run NAME --data IMAGE_SET=FOLDER
      bench tables show NAME results --format latex
    """
    if context.invoked_subcommand:
        return
    from bench_core.experiment.paper_requirements import requirements

    found = _plugins()
    folders, every = _folders(found, data), [PaperTableView(found, name) for name in found.records("paper_tables")]
    told = [(each, requirements(each.table, each.protocols, found, folders)) for each in every]
    if as_json:
        facts = ((each.name, each.table.title, needed) for each, needed in told)
        print_json(
            [{"name": name, "title": title, "needs": of.wanted, "missing": of.missing} for name, title, of in facts]
        )
        return
    for each, needed in told:
        click.echo(f"{each.name}: {each.table.title}")
        for what, items in (("needs", needed.wanted), ("missing", needed.missing)):
            for item in items:
                click.echo(f"    {what:8} {item}")


@tables.command()
@click.argument("name", type=completions.TABLE)
@click.argument("runs", required=False, type=click.Path(path_type=Path))
@FORMAT
@OUTPUT
@JSON
def show(name: str, runs: Path | None, format_: str, output: Path | None, as_json: bool) -> None:
    """Print a table: what was published and what was measured.

    RUNS, a folder that `bench run` wrote to, holds the latter. With `-o FILE.svg` or `-o FILE.png` a figure's curves
    are drawn, and their numbers written to a .csv beside it.

    \b
    Examples:
      bench tables show NAME results --format markdown
      bench tables show NAME results -o figure.svg
    """
    opened = PaperTableView(_plugins(), name)
    if as_json:
        print_json(opened.record(runs), output)
    else:
        opened.show(runs, format_, output)


@tables.command(cls=Command, params=[option for option in bench_run.params if option.name not in SETTLED])
@click.argument("name", type=completions.TABLE)
@DATA
@signals.handle_signals()
def run(name: str, out: Path, data: tuple[tuple[str, Path], ...], as_json: bool, **options: Any) -> None:
    """Train and judge what a table needs, and print it.

    What is not here is left out and said.

    \b
    Examples:
      bench tables run NAME --data IMAGE_SET=FOLDER --data OTHER_SET=FOLDER
    """
    from bench_core.experiment.options import RunOptions
    from bench_core.experiment.paper_requirements import requirements
    from bench_core.experiment.plan import plan

    found = _plugins()
    opened, folders = PaperTableView(found, name), _folders(found, data)
    here, done = requirements(opened.table, opened.protocols, found, folders).requests, []
    sets = found.records("image_sets")
    for each, protocol in opened.protocols.items():
        image_set = options["image_set"] or protocol.image_set
        folder = folders.get(image_set, folders.get(""))
        requests = [request for request in opened.table.requests(each) if request in here]
        if image_set in sets and sets[image_set].needs_folder and folder is None:
            click.echo(f"{each} is left out: give --data {image_set}=FOLDER. {sets[image_set].source}", err=True)
        elif not requests:
            click.echo(f"{each} is left out: none of its methods is here.", err=True)
        else:
            settled = {"plugins": tuple(requests), "protocol": each, "out": out, "data": folder, "baselines": False}
            with stdout_to_stderr(as_json):
                done.append(run_plan(plan(RunOptions(**options, **settled))))
    if not done:
        raise BadInput(f"Nothing of the table {name} can be measured here; `bench tables` lists what is missing.")
    if as_json:
        print_json({"runs": [record for _, record in done], "table": opened.record(out)})
    else:
        opened.show(out, "terminal", None)
    sys.exit(max(code for code, _ in done))


def _folders(found: "Plugins", data: tuple[tuple[str, Path], ...]) -> dict[str, Path]:
    """By the names of image sets."""
    for name, _ in data:
        if name and name not in (known := found.records("image_sets")):
            raise unknown("image set", name, known)
    return dict(data)


def _plugins() -> "Plugins":
    from bench_core.plugins import Plugins

    return Plugins.all()
