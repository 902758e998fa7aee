"""Command that reproduces the numbers of a method, and protocol files for it."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench_core.plugins import Plugins
from bench_core.protocol import Protocol
from bench_core.store.store import CellStatus

COPIED_OPTIONS = ("--data", "--weights")
"""Options that neither the protocol nor a variant's name contains."""
COPIED_FLAGS = ("--skip-bad-images",)
_OPTION = re.compile(r"\[([\w.]+)=([^\]]*)\]")


def rerun_command(
    entries: Mapping[str, CellStatus], plugins: Mapping[str, str], protocol: str, provenance: Mapping[str, Any]
) -> str:
    """Return the command for some variants; empty if none of them can be requested.

    Args:
        entries: a cell of each variant.
        plugins: the plugin of each variant.
        protocol: name or file of the protocol.
        provenance: record of one of the cells.
    """
    typed = provenance.get("command", [])
    if typed[:1] == ["score"]:
        return shlex.join(["bench", *typed])
    baselines = Plugins.find().baselines
    requests = {name: _request(entries[name], plugin) for name, plugin in plugins.items() if plugin not in baselines}
    if not requests:
        return ""
    options = dict.fromkeys(option for _, changed in requests.values() for option in changed)
    words = ["bench", "run", "--plugins", ",".join(dict.fromkeys(request for request, _ in requests.values()))]
    words += ["--protocol", protocol, *(word for option in options for word in ("--option", option))]
    return shlex.join([*words, *_copied(typed), *_arithmetic(provenance)])


def _request(entry: CellStatus, plugin: str) -> tuple[str, list[str]]:
    """Split a variant's name into the request for `bench run --plugins` and the options in its brackets."""
    method, colon, form = entry.method.partition(":")
    changes = entry.variant.removeprefix(entry.method).partition(" (")[0]
    options = [f"{name if '.' in name else f'{method}.{name}'}={value}" for name, value in _OPTION.findall(changes)]
    return f"{plugin}{colon}{form}{_OPTION.sub('', changes)}", options


def _copied(typed: Sequence[str]) -> Iterable[str]:
    for option, value in zip(typed, [*typed[1:], ""], strict=False):
        name, equals, given = option.partition("=")
        if name in COPIED_OPTIONS:
            yield from (name, given if equals else value)
        elif option in COPIED_FLAGS:
            yield option


def _arithmetic(provenance: Mapping[str, Any]) -> Iterable[str]:
    if provenance.get("bf16_backbones"):
        yield "--bf16-backbones"
    if provenance.get("precision", "32-true") != "32-true":
        yield from ("--precision", provenance["precision"])
    if provenance.get("compiled"):
        yield "--compile"


def protocol_toml(protocol: Protocol) -> bytes:
    """Write a protocol as a TOML file for `bench run --protocol`."""
    rules = protocol.model_dump(mode="json", exclude_none=True)
    masks = rules.pop("masks")
    tables = [f"\n[masks.{json.dumps(name)}]\n{_toml_lines(mask)}" for name, mask in masks.items()]
    return (_toml_lines(rules) + "".join(tables)).encode()


def _toml_lines(values: Mapping[str, Any]) -> str:
    # strings, numbers and lists look the same in TOML and JSON, except for the character DEL
    texts = {key: json.dumps(value).replace("\x7f", "\\u007f") for key, value in values.items()}
    return "".join(f"{json.dumps(key)} = {text}\n" for key, text in texts.items())
