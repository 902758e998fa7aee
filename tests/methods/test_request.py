"""Laws of what a user writes to ask for methods."""

import pytest

from bench_core.errors import BadInput
from bench_core.methods.request import Request, parse
from bench_core.methods.variants import Changes

INSTALLED = ("net", "net-two", "other")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("net", Request("net")),
        ("net:big", Request("net", "big")),
        ("net-style", Request("net", changes=Changes(dropped=("style",)))),
        ("net-two", Request("net-two")),
        ("net-two-style", Request("net-two", changes=Changes(dropped=("style",)))),
        ("net+tv=0.1", Request("net", changes=Changes({"tv": 0.1}))),
        ("net:big+tv=1e-3-style+l1=2", Request("net", "big", Changes({"tv": 1e-3, "l1": 2.0}, ("style",)))),
    ],
)
def test_plugin_form_and_changes_are_told_apart(text: str, request_: Request):
    assert parse(text, INSTALLED) == request_


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nett", "no plugin 'nett'. Did you mean 'net'"),
        ("nope:big", "no plugin 'nope'"),
        ("net:", "is no method: after the plugin's name come"),
        ("net+tv", "is no method"),
        ("net+tv=much", "is no method"),
        ("net big", "no plugin"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, said: str):
    with pytest.raises(BadInput, match=said):
        parse(text, INSTALLED)
