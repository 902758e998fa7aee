"""Parsing of method requests."""

import pytest

from bench_core.errors import BadInput
from bench_core.methods.request import MethodRequest, parse
from bench_core.methods.variants import Overrides

INSTALLED = ("net", "net-two", "other")


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("net", MethodRequest("net")),
        ("net:big", MethodRequest("net", "big")),
        ("net-style", MethodRequest("net", changes=Overrides(dropped=("style",)))),
        ("net-two", MethodRequest("net-two")),
        ("net-two-style", MethodRequest("net-two", changes=Overrides(dropped=("style",)))),
        ("net+tv=0.1", MethodRequest("net", changes=Overrides({"tv": 0.1}))),
        ("net:big+tv=1e-3-style+l1=2", MethodRequest("net", "big", Overrides({"tv": 1e-3, "l1": 2.0}, ("style",)))),
    ],
)
def test_plugin_form_and_changes_are_parsed(text: str, request_: MethodRequest):
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
def test_invalid_requests_are_refused(text: str, said: str):
    with pytest.raises(BadInput, match=said):
        parse(text, INSTALLED)
