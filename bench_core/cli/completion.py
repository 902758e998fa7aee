"""`bench completion`: commands, options and names at the touch of the tab key."""

import os
import re

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from bench_core.cli.help_sections import Command
from bench_core.cli.param_types import OneOf

CUTS = (":", "=")


class Bash(BashComplete):
    """Puts together again what bash takes for words of their own: NAME:FORM and NAME=VALUE.

    bash in turn wants no more of a completion than what follows the last colon or equals sign.
    """

    given = ""
    """What bash will leave as it is."""

    def get_completion_args(self) -> tuple[list[str], str]:
        current = int(os.environ["COMP_CWORD"])
        typed = [*split_arg_string(os.environ["COMP_WORDS"]), ""][1 : current + 1]
        words = [""]
        for word in typed:
            if word in CUTS or words[-1].endswith(CUTS):
                words[-1] += word
            else:
                words.append(word)
        self.given = "".join(re.findall(r".*[:=]", words[-1]))
        return words[1:-1], words[-1]

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.type},{item.value.removeprefix(self.given)}"


add_completion_class(Bash)


@click.command(cls=Command)
@click.argument("shell", type=OneOf(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what completes commands and names in a shell.

    Methods, protocols, mask sets, metrics, formats and files are completed, in lists too, after every comma.

    \b
    Examples:
      source <(bench completion bash)                                # in ~/.bashrc
      source <(bench completion zsh)                                 # in ~/.zshrc
      bench completion fish > ~/.config/fish/completions/bench.fish  # once
    """
    kind = get_completion_class(shell)
    assert kind, "click knows these shells"
    click.echo(kind(context.find_root().command, {}, "bench", "_BENCH_COMPLETE").source())
