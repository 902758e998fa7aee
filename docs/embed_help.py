"""Write the help of every command to docs/commands.md and their list to the README, between its two marks."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from bench_core.cli import main

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "commands.md"
README = ROOT / "README.md"
LIST = re.compile(r"(<!-- commands -->\n).*?(<!-- end -->)", re.DOTALL)
WIDTH = 100
HEAD = """# Every command

This page shows the output of `bench COMMAND --help`. `bench completion bash`, `zsh` or `fish` prints a script for your
shell: it completes commands, options and names. With `--json` a command prints [JSON](json.md) for programs.
"""


def page() -> str:
    """Return docs/commands.md with the help of every command."""
    parts = [f"## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in _helps(main, None, "bench")]
    return "\n".join([HEAD, *parts])


def listed(readme: str) -> str:
    """Return the README with the current list of commands."""
    main.list_commands(click.Context(main))  # loads the commands of plugins
    lines = [f"bench {name:12}{command.get_short_help_str(80)}" for name, command in main.commands.items()]
    opening = "<!-- not run: a list -->\n```text\n"
    return LIST.sub(lambda match: match[1] + opening + "\n".join(lines) + f"\n```\n{match[2]}", readme)


def _helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, str]]:
    settings = {**command.context_settings, "terminal_width": WIDTH}
    context = click.Context(command, parent=parent, info_name=name, **settings)
    yield context.command_path, context.get_help()
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            yield from _helps(command.commands[below], context, below)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(listed(README.read_text(encoding="utf-8")), encoding="utf-8")
