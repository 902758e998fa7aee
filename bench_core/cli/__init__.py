"""The command `bench`. One file for each subcommand; heavy imports stay inside the commands."""

import click

from bench_core import __version__
from bench_core.cli.check import check
from bench_core.cli.compare import compare
from bench_core.cli.cost import cost
from bench_core.cli.demo import demo
from bench_core.cli.doctor import doctor
from bench_core.cli.inpaint import inpaint
from bench_core.cli.masks import masks
from bench_core.cli.metrics import metrics
from bench_core.cli.new import new
from bench_core.cli.perf import perf
from bench_core.cli.plugins import plugins
from bench_core.cli.protocols import protocols
from bench_core.cli.report import report
from bench_core.cli.run import run
from bench_core.cli.score import export, score
from bench_core.cli.show import show
from bench_core.cli.tables import tables
from bench_core.cli.weights import weights
from bench_core.errors import BadInput


class Refusal(click.ClickException):
    exit_code = 2


class Bench(click.Group):
    """Turns bad input into a message and exit code 2; anything else unexpected is a bug and keeps its traceback."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except BadInput as error:
            raise Refusal(str(error)) from error


@click.group(cls=Bench, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="inpaint-bench")
def main() -> None:
    """Compare image inpainting methods under the same rules.

    \b
    bench run --plugins ONE,OTHER          train, judge, and print a table
    bench report results --format latex    print that table again
    """


# fmt: off
COMMANDS = (
    run, report, compare, plugins, protocols, metrics, masks, tables, show, inpaint, weights, score, export, check, new,
    perf, cost, doctor, demo,
)
# fmt: on
for command in COMMANDS:
    main.add_command(command)
