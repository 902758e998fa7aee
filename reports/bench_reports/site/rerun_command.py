"""The command that makes a method's numbers again: of the rules, and of what the stored cells tell beyond them."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench_core.plugins import Plugins
from bench_core.protocol import Protocol
from bench_core.store.store import CellStatus

KEPT = ("--data", "--weights")
"""Options that no rule tells, and no name."""
FLAGS = ("--skip-bad-images",)
_OPTION = re.compile(r"\[([\w.]+)=([^\]]*)\]")


def command(entries: Mapping[str, CellStatus], plugins: Mapping[str, str], rules: str, told: Mapping[str, Any]) -> str:
    """Of one variant or of several, by their names, with the plugins that brought them; "" where none can be asked for.

    `rules` names the protocol or its file, `told` is the provenance of one of them.
    """
    typed = told.get("command", [])
    if typed[:1] == ["score"]:
        return shlex.join(["bench", *typed])
    baselines = Plugins.find().baselines
    asked = {name: _request(entries[name], plugin) for name, plugin in plugins.items() if plugin not in baselines}
    if not asked:
        return ""
    options = dict.fromkeys(option for _, changed in asked.values() for option in changed)
    words = ["bench", "run", "--plugins", ",".join(dict.fromkeys(request for request, _ in asked.values()))]
    words += ["--protocol", rules, *(word for option in options for word in ("--option", option))]
    return shlex.join([*words, *_kept(typed), *_arithmetic(told)])


def _request(entry: CellStatus, plugin: str) -> tuple[str, list[str]]:
    """A variant's name as `bench run` understands it, and the options that are in its brackets."""
    method, colon, form = entry.method.partition(":")
    changes = entry.variant.removeprefix(entry.method).partition(" (")[0]
    options = [f"{name if '.' in name else f'{method}.{name}'}={value}" for name, value in _OPTION.findall(changes)]
    return f"{plugin}{colon}{form}{_OPTION.sub('', changes)}", options


def _kept(typed: Sequence[str]) -> Iterable[str]:
    for option, value in zip(typed, [*typed[1:], ""], strict=False):
        name, equals, given = option.partition("=")
        if name in KEPT:
            yield from (name, given if equals else value)
        elif option in FLAGS:
            yield option


def _arithmetic(told: Mapping[str, Any]) -> Iterable[str]:
    if told.get("precision", "32-true") != "32-true":
        yield from ("--precision", told["precision"])
    if told.get("compiled"):
        yield "--compile"


def toml(protocol: Protocol) -> bytes:
    """A protocol as a file that `bench run --protocol` reads."""
    rules = protocol.model_dump(mode="json", exclude_none=True)
    masks = rules.pop("masks")
    tables = [f"\n[masks.{json.dumps(name)}]\n{_lines(mask)}" for name, mask in masks.items()]
    return (_lines(rules) + "".join(tables)).encode()


def _lines(values: Mapping[str, Any]) -> str:
    # texts, numbers and lists of them are written in TOML as in JSON, but for one character
    told = {key: json.dumps(value).replace("\x7f", "\\u007f") for key, value in values.items()}
    return "".join(f"{json.dumps(key)} = {text}\n" for key, text in told.items())
