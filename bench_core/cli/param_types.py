"""Types of option values that several commands share, with shell completion."""

import re
from collections.abc import Callable, Iterable
from math import isfinite, nan
from typing import Any

import click
from click.shell_completion import CompletionItem

from bench_core.errors import unknown

Names = Callable[[click.Context], Iterable[str]]
"""Function that lists the known values, without importing torch."""


class OneOf(click.Choice):
    """A choice that suggests the nearest value for a wrong one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.choices:
            self.fail(str(unknown("value", str(value), map(str, self.choices))), param, ctx)
        return super().convert(value, param, ctx)


DEVICE = OneOf(["auto", "cpu", "cuda", "mps"])


class Named(click.ParamType):
    """A name. The command itself checks that it exists."""

    def __init__(self, name: str, names: Names) -> None:
        self.name = name
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self.names(ctx) if name.startswith(incomplete)]


class Listed(click.ParamType):
    """Values separated by commas, as a tuple."""

    name = "a,b,..."

    def __init__(self, kind: type = str, names: Names = lambda ctx: ()) -> None:
        self.kind = kind
        self.names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.kind(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            self.fail(f"{value!r} is no list of {self.kind.__name__}s separated by commas", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        before, comma, begun = incomplete.rpartition(",")
        left = [name for name in self.names(ctx) if name not in before.split(",")]
        return [CompletionItem(before + comma + name) for name in left if name.startswith(begun)]


class CountOrAll(click.ParamType):
    """A whole number of at least 0, or "all", which becomes None."""

    name = "n|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value in ("all", None):
            return None
        if str(value).isdecimal():
            return int(value)
        self.fail(f"{value!r} is neither a number nor 'all'", param, ctx)


SAMPLES = click.option(
    "--save-images",
    type=CountOrAll(),
    default=4,
    show_default=True,
    help="Number of example images to save for each mask set, or all.",
)

_NUMBER = r"\d[\d.]*(?:e[+-]?\d+)?"
_ASSIGNED = re.compile(rf"((?:[^=+]|\+\w+={_NUMBER})+)=(.+)")


class Assigned(click.ParamType):
    """NAME=VALUE, as a pair of strings. The name may be a method with a loss term, such as one+tv=0.1."""

    name = "name=value"

    def __init__(self, names: Names = lambda ctx: ()) -> None:
        self.names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        parts = _ASSIGNED.fullmatch(value)
        if parts is None:
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return parts[1], parts[2]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(f"{name}=") for name in self.names(ctx) if name.startswith(incomplete)]


class Weighted(Assigned):
    """NAME=WEIGHT, as a string and a finite number."""

    name = "name=weight"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        name, _, weight = value.partition("=")
        try:
            number = float(weight)
        except ValueError:
            number = nan
        if not isfinite(number):
            self.fail(f"{value!r} is not NAME=WEIGHT, such as tv=0.1", param, ctx)
        return name, number
