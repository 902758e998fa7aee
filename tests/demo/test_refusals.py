"""Requests that the server of `bench demo` refuses, and that it writes nothing to disk."""

import tempfile
import zlib
from collections.abc import Iterator
from struct import pack

import numpy as np
import pytest
from support.demo_server import EXAMPLE, ask, error, form, methods, pixels, png, send, served

from bench_core.demo import requests

RNG = np.random.default_rng(1)
PICTURE = RNG.integers(0, 256, (20, 30, 3), np.uint8)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served(methods()) as address:
        yield address


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of black pixels, a thousandth of their size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    squeezer = zlib.compressobj(9)
    rows = b"".join(squeezer.compress(bytes(1 + width // 8)) for _ in range(height)) + squeezer.flush()
    header = pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_hostile_images_are_refused_with_a_reason(server: str, monkeypatch: pytest.MonkeyPatch):
    def read(content: bytes) -> str:
        return error(send(server, "image", image=("<b>.png", content)))

    loads = []
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: loads.append(self))
    assert "it has 16384 x 4096 pixels, more than 16,777,216" in read(bomb(16384, 4096))
    assert "exceeds limit" in read(bomb(65536, 65536 // 8))
    assert not loads
    monkeypatch.undo()
    assert read(b"just a text") == "<b>.png cannot be read as an image: its content is of no known format"
    assert "cannot be read as an image" in read(png(PICTURE)[:200])
    assert "of no known format" in read(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    assert "of no known format" in read(b"")


def test_malformed_requests_are_refused(server: str, monkeypatch: pytest.MonkeyPatch):
    image = "a.png", png(PICTURE)
    assert "method must be a number from 0 to 6, not '7'" in error(
        send(server, "inpaint", method="7", image=image), 400
    )
    assert "no file 'hole'" in error(send(server, "inpaint", method="1", image=image), 400)
    assert "no file 'image'" in error(send(server, "image", image="a text"), 400)
    assert "Send a form" in error(ask(server, "POST", "image", b"{}"), 400)
    damaged = {"Content-Type": "multipart/form-data; boundary=x"}
    assert "damaged" in error(ask(server, "POST", "image", b"nothing of the kind", damaged), 400)
    assert error(ask(server, "GET", "inpaint"), 405) and error(ask(server, "GET", "assets/../app.py"), 404)
    monkeypatch.setattr(requests, "MAX_FILE_BYTES", 1000)
    assert "a.png has more than 0 MiB" in error(send(server, "image", image=image))
    monkeypatch.setattr(requests, "MAX_REQUEST_BYTES", 1000)
    assert "MiB" in error(send(server, "image", image=image), 413)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Host": "rebound.example:8137"}, "The host 'rebound.example:8137' is not this server."),
        ({"Host": "127.0.0.1.rebound.example"}, "is not this server"),
        ({"Host": ""}, "is not this server"),
        ({"Host": "["}, "is not this server"),
        ({"Origin": "https://rebound.example"}, "A page of 'https://rebound.example' may not use this server."),
        ({"Origin": "http://127.0.0.1:1"}, "may not use this server"),
        ({"Origin": "null"}, "may not use this server"),
        ({"Origin": "http://["}, "may not use this server"),
    ],
)
def test_other_sites_are_refused(server: str, headers: dict[str, str], said: str):
    body, kind = form(image=("a.png", png(PICTURE)))
    assert said in error(ask(server, "POST", "image", body, kind | headers), 403)
    assert said in error(ask(server, "GET", "", headers=headers), 403)
    own = server.removeprefix("http://").strip("/")
    for allowed in ({}, {"Origin": f"http://{own}"}, {"Host": "localhost:1"}, {"Host": "[::1]:1"}):
        assert ask(server, "POST", "image", body, kind | allowed)[0] == 200


def test_every_response_forbids_other_origins(server: str):
    for what in ("", "assets/page.js", "example", "nothing"):
        _, headers, _ = ask(server, "GET", what)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
    assert (pixels(ask(server, "GET", "example")[2]) == EXAMPLE).all()


def test_nothing_is_written(server: str, monkeypatch: pytest.MonkeyPatch):
    """By default Starlette writes forms of more than a megabyte to a temporary file."""
    noise = RNG.integers(0, 256, (800, 800, 3), np.uint8)
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda self: pytest.fail("was written"))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *args, **options: pytest.fail("was written"))
    assert len(png(noise)) > 1 << 20
    assert (pixels(send(server, "image", image=("a.png", png(noise)))[2]) == noise).all()


def test_names_are_escaped():
    (offer, *_) = methods()
    offer.name = offer.title = offer.remark = "<script>alert(1)</script>\"'"
    with served([offer]) as server:
        html = ask(server, "GET", "")[2].decode()
    assert "<script>alert" not in html and html.count("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;") == 4
