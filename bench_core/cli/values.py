"""Types of option values that several commands share."""

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


class Assigned(click.ParamType):
    """A name with a text: NAME=VALUE."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        # a method's name may itself hold =, as in one+tv=0.1; a value that does is not to be told apart
        name, _, text = value.rpartition("=")
        if not (name and text):
            self.fail(f"{value!r} is not NAME=VALUE", param, ctx)
        return name, text


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
