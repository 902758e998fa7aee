"""Parses the methods a user asks for, such as ``name:form+tv=0.1-style``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench_core.errors import BadInput, unknown
from bench_core.methods.variants import Overrides
from bench_core.plugins import Plugin
from bench_core.specs import Model

_WEIGHT = r"\d[\d.]*(?:e[+-]?\d+)?"
_GRAMMAR = re.compile(rf"(?::(?P<form>\w+))?(?P<changes>(?:\+\w+={_WEIGHT}|-\w+)*)")


@dataclass(frozen=True)
class MethodRequest:
    """A parsed request: PLUGIN[:FORM], followed by any number of +TERM=WEIGHT and -TERM."""

    plugin: str
    form: str = ""
    changes: Overrides = field(default_factory=Overrides)

    def models(self, plugin: Plugin) -> list[Model]:
        """Return the plugin's models of this form, or its plain models if the request has no form.

        Raises:
            BadInput: The plugin has no such form.
        """
        models: list[Model] = plugin.records.get("models", [])
        found = [model for model in models if model.name.partition(":")[2] == self.form]
        if self.form and not found:
            forms = {form for model in models if (form := model.name.partition(":")[2])}
            raise unknown(f"form of {self.plugin}", self.form, forms)
        return found


def parse(text: str, installed: Iterable[str]) -> MethodRequest:
    """Parse one request.

    Args:
        text: The request.
        installed: Names of the installed plugins.

    Raises:
        BadInput: The text does not start with an installed plugin, or the rest cannot be parsed.
    """
    installed = set(installed)
    name = re.split(r"[:+-]", text)[0]
    # the longest name first: a plugin's name may contain the "-" that drops a term
    for known in sorted(installed, key=len, reverse=True):
        if text.startswith(known) and text[len(known) :][:1] in ("", ":", "+", "-"):
            name = known
            break
    else:
        raise unknown("plugin", name, installed)
    rest = _GRAMMAR.fullmatch(text[len(name) :])
    if rest is None:
        raise BadInput(
            f"{text!r} is no method: after the plugin's name come :FORM, +TERM=WEIGHT and -TERM, such as {name}+tv=0.1."
        )
    changes = Overrides(
        {term: float(weight) for term, weight in re.findall(rf"\+(\w+)=({_WEIGHT})", rest["changes"])},
        tuple(re.findall(r"-(\w+)", re.sub(rf"\+\w+={_WEIGHT}", "", rest["changes"]))),
    )
    return MethodRequest(name, rest["form"] or "", changes)
