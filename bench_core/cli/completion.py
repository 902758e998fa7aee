"""`bench completion`: commands, options and names at the touch of the tab key."""

import click

from bench_core.cli.sections import Command
from bench_core.cli.values import OneOf


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
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind, "click knows these shells"
    click.echo(kind(context.find_root().command, {}, "bench", "_BENCH_COMPLETE").source())
