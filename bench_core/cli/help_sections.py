"""Help in sections: options of a command, and commands of a group."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from bench_core.errors import unknown

Function = TypeVar("Function", bound=Callable[..., Any])
MAX_LEFT_COLUMN = 28
"""Maximum width of the left column; a longer term gets its own line."""


def section(title: str) -> Callable[[Function], Function]:
    """Decorator that puts the options below it, up to the next `section`, under a heading."""

    def mark(function: Function) -> Function:
        for option in getattr(function, "__click_params__", ()):
            vars(option).setdefault("section", title)
        return function

    return mark


class Command(click.Command):
    """A command with its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = [(vars(option).get("section", "Options"), option.get_help_record(ctx)) for option in options]
        _write(formatter, [(title, record) for title, record in records if record])


class Group(click.Group):
    """A group with its commands in sections, in the order they were added. Suggests the nearest name for an unknown."""

    command_class = Command

    def add(self, sections: Mapping[str, Iterable[click.Command]]) -> None:
        """Add commands by the titles of their sections."""
        for title, commands in sections.items():
            for command in commands:
                vars(command)["section"] = title
                self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, ...]:
        is_name = not args[0].startswith("-") and not ctx.resilient_parsing
        if is_name and self.get_command(ctx, args[0]) is None:
            raise unknown("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        shown = [(name, self.commands[name]) for name in names if not self.commands[name].hidden]
        records = [(vars(each).get("section", "Commands"), (n, each.get_short_help_str(width))) for n, each in shown]
        _write(formatter, records)


def _write(formatter: click.HelpFormatter, records: list[tuple[str, tuple[str, str]]]) -> None:
    """Write terms with their texts under the titles, with the same column widths everywhere."""
    width = min(MAX_LEFT_COLUMN, max(len(term) for _, (term, _) in records))
    sections: dict[str, list[tuple[str, str]]] = {}
    for title, (term, text) in records:
        sections.setdefault(title, []).append((term.ljust(width), text))
    for title, definitions in sections.items():
        with formatter.section(title):
            formatter.write_dl(definitions)
