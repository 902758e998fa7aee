"""All commands of `bench`, their help and examples, and a fixture that calls them for JSON."""

import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import click
import pytest

from bench_core.cli import main

Tree = dict[str, click.Command]


def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for below in command.list_commands(click.Context(command)):
            yield from walk(command.commands[below], f"{name} {below}")


COMMANDS: Tree = dict(walk(main, "bench"))


def help_of(name: str, width: int = 100) -> str:
    """Return the output of `NAME --help` on a terminal of this width."""
    context = None
    for part in name.split():
        command = main if context is None else context.command.commands[part]  # type: ignore[attr-defined]
        settings: dict[str, Any] = {**command.context_settings, "terminal_width": width}
        context = click.Context(command, parent=context, info_name=part, **settings)
    assert context
    return context.command.get_help(context)


def examples(command: click.Command) -> list[list[str]]:
    """Return the words after `bench` of every example, without redirections."""
    _, _, block = (command.help or "").partition("Example")
    lines = [line.partition("bench ")[2] for line in block.splitlines() if "bench " in line]
    return [shlex.split(line.split(" > ")[0], comments=True) for line in lines]


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Call `bench` and parse its standard output, which must be one document of strict JSON."""

    def call(*words: str, code: int = 0) -> Any:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words), prog_name="bench")
        printed = capfd.readouterr()
        assert (ended.value.code or 0) == code, printed
        return json.loads(printed.out, parse_constant=_no_constant)

    return call
