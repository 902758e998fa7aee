"""Runs the server of `bench demo`, and sends requests to it without a browser."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from threading import Thread
from urllib.parse import urlsplit

import numpy as np
import torch
from PIL import Image

from bench_core.demo.app import application
from bench_core.demo.catalog import catalog
from bench_core.demo.loaded_method import DemoMethod
from bench_core.demo.server import address, listen, server
from bench_core.plugins import Plugins
from support.demo_methods import BROKEN, GREEDY, PICKY, TRACER

CPU = torch.device("cpu")
EXAMPLE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
BOUNDARY = "a-boundary"
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


def methods() -> list[DemoMethod]:
    """The three baselines and four toys."""
    toys = [DemoMethod(each.name, each.title, "a toy", each, CPU) for each in (TRACER, GREEDY, BROKEN, PICKY)]
    return [*catalog(Plugins.find(), (), (), None, CPU), *toys]


@contextmanager
def served(offers: Sequence[DemoMethod]) -> Iterator[str]:
    """Run a server in a thread, and yield its address."""
    with listen("127.0.0.1", 0) as listening:
        running = server(application(offers, example=EXAMPLE))
        thread = Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield address(listening)
        finally:
            running.should_exit = True
            thread.join()


def send(to: str, what: str, **fields: str | tuple[str, bytes]) -> Answer:
    """Post a form. Each field is a text, or a file name with its content."""
    return ask(to, "POST", what, *form(**fields))


def form(**fields: str | tuple[str, bytes]) -> tuple[bytes, dict[str, str]]:
    """Return the body of a form, and its header."""
    parts = b"".join(_part(name, value) for name, value in fields.items())
    return parts + f"--{BOUNDARY}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def ask(to: str, method: str, what: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(to).netloc, timeout=60)
    try:
        connection.request(method, "/" + what, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def _part(name: str, value: str | tuple[str, bytes]) -> bytes:
    filename, content = ("", value.encode()) if isinstance(value, str) else value
    shown = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def png(array: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(content)))


def error(answer: Answer, status: int = 200) -> str:
    found, headers, body = answer
    assert found == status and headers["content-type"] == "application/json"
    return json.loads(body)["error"]
