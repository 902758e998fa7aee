"""Writes the help of all commands to docs/commands.md, and their list to the README between its markers."""

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
HEAD = r"""# Every command

The output of `bench COMMAND --help`. With `--json` a command prints [JSON for programs](json.md).

To complete commands, options and names with the Tab key, add one line to the start-up file of your shell:

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(_BENCH_COMPLETE=bash_source bench)"` |
| zsh | `~/.zshrc` | `eval "$(_BENCH_COMPLETE=zsh_source bench)"` |
| fish | `~/.config/fish/config.fish` | `_BENCH_COMPLETE=fish_source bench \| source` |
"""


def page() -> str:
    """Return the page with the help of every command."""
    parts = [f"## {name}\n\n```text\n{text.rstrip()}\n```\n" for name, text in _helps(main, None, "bench")]
    return "\n".join([HEAD, *parts])


def listed(readme: str) -> str:
    """Return the README with a new list of commands."""
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
