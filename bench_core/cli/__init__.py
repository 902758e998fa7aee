"""The command `bench`. One file for each subcommand; heavy imports stay inside the commands."""

from typing import Any

import click

from bench_core import __version__
from bench_core.cli import bash_completion  # noqa: F401 - registers itself
from bench_core.cli.check import check
from bench_core.cli.demo import demo
from bench_core.cli.doctor import doctor
from bench_core.cli.help_sections import Group
from bench_core.cli.inpaint import inpaint
from bench_core.cli.json_output import print_json
from bench_core.cli.masks import masks
from bench_core.cli.metrics import metrics
from bench_core.cli.new import new
from bench_core.cli.plugins import plugins
from bench_core.cli.protocols import protocols
from bench_core.cli.run import run
from bench_core.cli.score import export, score
from bench_core.cli.show import show
from bench_core.cli.weights import weights
from bench_core.errors import BadInput
from bench_core.system.startup import prepare_process


class UserError(click.ClickException):
    exit_code = 2


class Bench(Group):
    """The root command, with the commands of plugins.

    `BadInput` becomes a message and exit code 2. Any other exception is a bug and keeps its traceback.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        prepare_process()
        return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._add_plugin_commands()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self._add_plugin_commands()
        return super().get_command(ctx, cmd_name)

    def _add_plugin_commands(self) -> None:
        from bench_core.plugins import Plugins
        from bench_core.specs import resolve

        for name, record in Plugins.all().records("commands").items():
            if name not in self.commands:
                self.add({record.section: [resolve(record.command)]})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except (click.UsageError, BadInput) as error:
            shown = UserError(str(error)) if isinstance(error, BadInput) else error
            if ctx.meta["json"]:
                print_json({"error": shown.format_message()})
            if shown is error:
                raise
            raise shown from error


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}


@click.group(cls=Bench, context_settings=SETTINGS)
@click.version_option(__version__, prog_name="inpaint-bench")
def main() -> None:
    """Compare image inpainting methods under the same rules.

    \b
    Examples:
      bench run --plugins ONE,OTHER          # train, evaluate, and print a table
      bench report results --format latex    # print that table again
      bench run --help                       # list all options
    """


main.add(
    {
        "Experiments": (run, score, export),
        "Inspect": (plugins, show, protocols, metrics, masks, inpaint, demo),
        "Develop": (new, check, weights),
        "System": (doctor,),
    }
)
