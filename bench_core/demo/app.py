"""The web application: the page, and endpoints that decode an image, check a mask and inpaint."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bench_core.demo import requests
from bench_core.demo.loaded_method import DemoMethod
from bench_core.demo.requests import FORMATS, MAX_FILE_BYTES
from bench_core.demo.security import SameOriginOnly
from bench_core.errors import BadInput
from bench_core.images import Array, as_png
from bench_core.masks.mask_images import required_hole
from bench_core.methods.inpaint import require_same_size

ASSETS = Path(__file__).parent / "assets"


def application(methods: Sequence[DemoMethod], host: str = "127.0.0.1", example: Array | None = None) -> Starlette:
    """Build the web application.

    Args:
        methods: The methods to choose from.
        host: Name that browsers use for this server.
        example: Example image, uint8 (height, width, channels).
    """
    endpoints = Endpoints(methods)
    page = Environment(loader=PackageLoader("bench_core.demo"), autoescape=True).get_template("page.html")
    html = page.render(methods=methods, max_bytes=MAX_FILE_BYTES, formats=FORMATS, example=example is not None)
    return Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(html)),
            *([Route("/example", lambda request: _png(example))] if example is not None else []),
            Mount("/assets", StaticFiles(directory=ASSETS)),
            *(
                Route(f"/{endpoint.__name__}", _in_thread(endpoint), methods=["POST"])
                for endpoint in (endpoints.image, endpoints.mask, endpoints.inpaint)
            ),
        ],
        middleware=[Middleware(SameOriginOnly, host=host)],
        exception_handlers={BadInput: _bad_input, HTTPException: _http_error},
    )


class Endpoints:
    """The endpoints of the page. Each takes a form and returns a PNG.

    Bad input is returned as JSON, ``{"error": reason}``, with status 200.
    """

    def __init__(self, methods: Sequence[DemoMethod]) -> None:
        self.methods = methods
        self._one_at_a_time = Lock()
        """Methods run one after the other, so that none slows down another and distorts its time."""

    def image(self, form: FormData) -> Response:
        """Return ``image`` as methods see it: upright, 8 bits, without transparency."""
        _, image = requests.image(form, "image")
        return _png(image)

    def mask(self, form: FormData) -> Response:
        """Return ``mask`` in black and white. It must have the size of ``image``, and mark a part of it in white."""
        (image_name, image), mask = requests.image(form, "image"), requests.mask(form, "mask")
        require_same_size(mask.name, mask.levels, image_name, image)
        return _png(required_hole(mask, "white")[..., None] * np.uint8(255))

    def inpaint(self, form: FormData) -> Response:
        """Inpaint ``image`` where ``hole`` is white, with the method of index ``method``.

        White pixels of ``sketch`` are lines to follow. The header Server-Timing holds the seconds as milliseconds.
        """
        method = self.methods[requests.number(form, "method", len(self.methods))]
        image_name, image = requests.image(form, "image")
        hole, sketch = requests.mask(form, "hole"), requests.mask(form, "sketch")
        for drawing in (hole, sketch):
            require_same_size(drawing.name, drawing.levels, image_name, image)
        with self._one_at_a_time:
            result = method.inpaint(image, required_hole(hole, "white").astype(bool), sketch.white())
        if result.image is None:
            raise BadInput(result.error)
        seconds = {"loading": result.loading, "inpainting": result.inpainting}
        timing = ", ".join(f"{name};dur={1000 * value:.3f}" for name, value in seconds.items())
        return _png(result.image, {"Server-Timing": timing})


def _png(image: Array, headers: Mapping[str, str] | None = None) -> Response:
    return Response(as_png(image), media_type="image/png", headers=headers)


def _in_thread(endpoint: Callable[[FormData], Response]) -> Callable[[Request], Any]:
    async def route(request: Request) -> Response:
        form = await requests.read(request)
        try:
            return await run_in_threadpool(endpoint, form)
        finally:
            await form.close()

    return route


async def _bad_input(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)})


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
