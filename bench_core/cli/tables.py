"""`bench tables`: tables and figures of papers, measured anew beside what was published."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core import interruption
from bench_core.cli.report import FORMAT, OUTPUT, put
from bench_core.cli.run import carry_out
from bench_core.cli.run import run as bench_run
from bench_core.errors import BadInput, unknown

if TYPE_CHECKING:
    from bench_core.paper_tables import PaperTable
    from bench_core.plugins import Plugins
    from bench_core.protocol import Protocol


class Folder(click.ParamType):
    """The folder of one image set, or of any that is asked for."""

    name = "[image_set=]folder"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        if isinstance(value, tuple):
            return value
        image_set, _, folder = value.rpartition("=")
        return image_set, Path(folder)


DATA = click.option("--data", type=Folder(), multiple=True, help="Folder of an image set (repeatable).")
SETTLED = {"plugins", "protocol", "data", "added", "dropped", "baselines", "metrics", "devices", "nodes"}
"""What a table says itself, and what only `bench run` can do; every other option of `bench run` may be given."""


@click.group(invoke_without_command=True)
@DATA
@click.pass_context
def tables(context: click.Context, data: tuple[tuple[str, Path], ...]) -> None:
    """List the tables of papers, what measuring each anew needs, and what of it is missing here.

    \b
    Examples: bench tables
              bench tables run NAME --data IMAGE_SET=FOLDER
              bench tables show NAME results --format latex
    """
    if context.invoked_subcommand:
        return
    from bench_core.paper_needs import needs

    found = _plugins()
    for name in found.records("paper_tables"):
        opened = Opened(found, name)
        told = needs(opened.table, opened.protocols, found, dict(data))
        click.echo(f"{name}: {opened.table.title}")
        for item in told.wanted:
            click.echo(f"    needs    {item}")
        for item in told.missing:
            click.echo(f"    missing  {item}")


@tables.command()
@click.argument("name")
@click.argument("runs", required=False, type=click.Path(path_type=Path))
@FORMAT
@OUTPUT
def show(name: str, runs: Path | None, format_: str, output: Path | None) -> None:
    """Print the table NAME: what was published, and what RUNS, a folder that `bench run` wrote to, holds beside it.

    With `-o FILE.svg` or `-o FILE.png` a figure's curves are drawn, and their numbers written to a .csv beside it.

    \b
    Example: bench tables show NAME results --format markdown
    """
    Opened(_plugins(), name).show(runs, format_, output)


@tables.command(params=[option for option in bench_run.params if option.name not in SETTLED])
@click.argument("name")
@DATA
@interruption.heeded()
def run(name: str, out: Path, data: tuple[tuple[str, Path], ...], **options: Any) -> None:
    """Train and judge what the table NAME needs, and print it. What is not here is left out and said.

    \b
    Example: bench tables run NAME --data IMAGE_SET=FOLDER --data OTHER_SET=FOLDER
    """
    from bench_core.paper_needs import needs
    from bench_core.planning import plan

    found = _plugins()
    opened, folders = Opened(found, name), dict(data)
    here, codes = needs(opened.table, opened.protocols, found, folders).requests, []
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
            settled = {"data": folder, "added": (), "dropped": (), "baselines": False, "metrics": None}
            alone = {"devices": 1, "nodes": 1}
            codes.append(carry_out(plan(requests, each, out, options | settled | alone)))
    if not codes:
        raise BadInput(f"Nothing of the table {name} can be measured here; `bench tables` lists what is missing.")
    opened.show(out, "terminal", None)
    sys.exit(max(codes))


@dataclass
class Opened:
    """A table by its name, with its protocols."""

    plugins: "Plugins"
    name: str

    @cached_property
    def table(self) -> "PaperTable":
        from bench_core.paper_tables import read

        known = self.plugins.records("paper_tables")
        if self.name not in known:
            raise unknown("table", self.name, known)
        return read(known[self.name])

    @cached_property
    def protocols(self) -> dict[str, "Protocol"]:
        from bench_core.protocol import load

        brought = self.plugins.records("protocols").values()
        return {name: load(name, brought) for name in self.table.protocols}

    def show(self, folder: Path | None, format_: str, output: Path | None) -> None:
        from bench_core import files
        from bench_core.specs import resolve
        from bench_core.store import read_runs

        stored = read_runs(folder) if folder else (None, [])
        known = self.plugins.records("metrics")
        if output and output.suffix in (".svg", ".png"):
            if not self.table.curves:
                raise BadInput(f"{self.name} is no figure of curves; {output.suffix} is for those.")
            draw = resolve("bench_reports.curves:of_paper")
            picture, numbers = draw(self.table, self.protocols, *stored, known, output.suffix[1:])
            files.write_bytes(output, picture)
            files.write_bytes(output.with_suffix(".csv"), numbers)
        else:
            build = resolve("bench_reports.side_by_side:build")
            put(self.plugins, [build(self.table, self.protocols, *stored, known)], format_, output)


def _plugins() -> "Plugins":
    from bench_core.plugins import Plugins

    found = Plugins.find()
    found.load_all()
    return found
