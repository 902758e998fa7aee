"""The server of `bench demo`: results for images, holes and sketches."""

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from support.demo_server import error, methods, pixels, png, send, served

from bench_core.methods.inpaint import Inpainter

RNG = np.random.default_rng(1)
PICTURE = RNG.integers(0, 256, (20, 30, 3), np.uint8)
HOLE = np.zeros((20, 30), np.uint8)
HOLE[5:12, 8:20] = 255
LINES = np.zeros((20, 30), np.uint8)
LINES[::2] = 255
MEAN, TELEA, NAVIER, TRACER, GREEDY, BROKEN, PICKY = map(str, range(7))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served(methods()) as address:
        yield address


def inpaint(server: str, method: str, image: np.ndarray = PICTURE, hole: np.ndarray = HOLE, sketch: np.ndarray = LINES):
    marks = {"hole": ("b.png", png(hole)), "sketch": ("c.png", png(sketch))}
    return send(server, "inpaint", method=method, image=("a.png", png(image)), **marks)


@pytest.mark.parametrize("method", [MEAN, TELEA, NAVIER, TRACER])
def test_known_pixels_stay_and_the_hole_is_filled(server: str, method: str):
    status, headers, body = inpaint(server, method)
    assert status == 200 and headers["content-type"] == "image/png"
    assert (pixels(body)[HOLE == 0] == PICTURE[HOLE == 0]).all()
    assert (pixels(body)[HOLE > 0] != PICTURE[HOLE > 0]).any()


def test_the_mean_colour_is_that_of_the_known_pixels(server: str):
    found = pixels(inpaint(server, MEAN)[2])
    expected = PICTURE[HOLE == 0].mean(0)
    assert np.abs(found[HOLE > 0] - expected).max() <= 0.51


def test_a_guided_method_follows_the_sketch(server: str):
    found = pixels(inpaint(server, TRACER)[2])
    assert (found[HOLE > 0] == LINES[HOLE > 0][:, None]).all()


def test_a_method_is_loaded_once_and_timed_separately(monkeypatch: pytest.MonkeyPatch):
    loaded, real = [], Inpainter.load
    monkeypatch.setattr(Inpainter, "load", lambda *given: loaded.append(given) or real(*given))
    with served(methods()) as server:
        for _ in range(2):
            times = dict(re.findall(r"(\w+);dur=([\d.]+)", inpaint(server, MEAN)[1]["server-timing"]))
            assert times.keys() == {"loading", "inpainting"} and float(times["inpainting"]) > 0
    assert len(loaded) == 1


def test_one_method_runs_at_a_time(monkeypatch: pytest.MonkeyPatch):
    """Concurrent calls would show as more than one active call."""
    offers, inside, most = methods(), [], []
    real = type(offers[0]).inpaint

    def watched(self, *given):
        inside.append(self)
        most.append(len(inside))
        try:
            return real(self, *given)
        finally:
            inside.remove(self)

    monkeypatch.setattr(type(offers[0]), "inpaint", watched)
    with served(offers) as server:
        threads = [Thread(target=inpaint, args=(server, method)) for method in (TELEA, NAVIER) * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(most) == 8 and set(most) == {1}


def test_errors_of_a_method_are_returned(server: str, capsys: pytest.CaptureFixture):
    assert "not enough memory" in error(inpaint(server, GREEDY))
    assert error(inpaint(server, PICKY)) == "picky takes images of 32 pixels only at scale 'paper', not 20 x 30."
    assert not capsys.readouterr().err
    assert error(inpaint(server, BROKEN)) == "ZeroDivisionError: integer division or modulo by zero"
    assert "demo_methods.py" in capsys.readouterr().err  # where the bug is


def test_a_grey_image_stays_grey_in_known_pixels(server: str):
    grey = PICTURE[..., 0]
    found = pixels(inpaint(server, TELEA, grey)[2])
    assert (found[HOLE == 0] == grey[HOLE == 0][:, None]).all()


def test_the_page_shows_the_image_that_methods_see(server: str, tmp_path: Path):
    """Upright, 8 bits, without transparency."""
    turned, path = Image.fromarray(PICTURE), tmp_path / "a.png"
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(path, exif=exif)
    body = send(server, "image", image=("a.png", path.read_bytes()))[2]
    assert (pixels(body) == np.rot90(PICTURE, -1)).all()
    see_through = np.dstack([PICTURE, HOLE])
    assert (pixels(send(server, "image", image=("a.png", png(see_through)))[2]) == PICTURE).all()
    deep = (PICTURE[..., 0].astype(np.uint16) << 8) + 200
    Image.fromarray(deep).save(path)
    assert (pixels(send(server, "image", image=("a.png", path.read_bytes()))[2]) == PICTURE[..., 0]).all()


def test_a_mask_becomes_black_and_white_and_must_fit(server: str):
    greys = RNG.integers(0, 256, (20, 30), np.uint8)
    image = "a.png", png(PICTURE)
    found = pixels(send(server, "mask", image=image, mask=("m.png", png(greys)))[2])
    assert (found == np.where(greys > 127, 255, 0)).all()
    said = error(send(server, "mask", image=image, mask=("m.png", png(greys[:10]))))
    assert said == "m.png is 30 x 10 pixels but a.png is 30 x 20; they must be equal."
    assert "must be equal" in error(inpaint(server, TELEA, hole=HOLE[:10]))
    assert "must be equal" in error(inpaint(server, TELEA, sketch=LINES[:, :10]))
