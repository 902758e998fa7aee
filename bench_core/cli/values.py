"""Types of option values that several commands share."""

import re
from typing import Any

import click

DEVICE = click.Choice(["auto", "cpu", "cuda", "mps"])


class Listed(click.ParamType):
    """Values between commas."""

    name = "a,b,..."

    def __init__(self, kind: type = str) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.kind(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            self.fail(f"{value!r} is no list of {self.kind.__name__}s between commas", param, ctx)


class CountOrAll(click.ParamType):
    """A whole number from 0 on; None for all."""

    name = "n|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value in ("all", None):
            return None
        if str(value).isdecimal():
            return int(value)
        self.fail(f"{value!r} is neither a number nor 'all'", param, ctx)


SAMPLES = click.option(
    "--samples", type=CountOrAll(), default=4, show_default=True, help="Pairs of each mask set to keep pictures of."
)

_NUMBER = r"\d[\d.]*(?:e[+-]?\d+)?"
_ASSIGNED = re.compile(rf"((?:[^=+]|\+\w+={_NUMBER})+)=(.+)")


class Assigned(click.ParamType):
    """A name with a text, NAME=VALUE; the name may be a method with a loss term, such as one+tv=0.1."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        parts = _ASSIGNED.fullmatch(value)
        if parts is None:
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return parts[1], parts[2]


class Weighted(click.ParamType):
    """A name with a number: NAME=WEIGHT."""

    name = "name=weight"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        name, _, weight = value.partition("=")
        try:
            return name, float(weight)
        except ValueError:
            self.fail(f"{value!r} is not NAME=WEIGHT, such as tv=0.1", param, ctx)
