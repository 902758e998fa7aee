"""The page and what it asks for: a picture as methods see it, a mask that fits, a hole filled by one method."""

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
from bench_core.demo.pictures import FORMATS, LARGEST_FILE
from bench_core.demo.security import Guard
from bench_core.errors import BadInput
from bench_core.images import Array, as_png
from bench_core.methods.inpaint import is_white, require_same_size

ASSETS = Path(__file__).parent / "assets"
Answer = Callable[[FormData], Response]


def application(methods: Sequence[DemoMethod], host: str = "127.0.0.1", example: Array | None = None) -> Starlette:
    """The server of a page, reached by the name `host`, on which these methods can be tried.

    Args:
        example: a picture for those who have none at hand.
    """
    answers = Answers(methods)
    page = Environment(loader=PackageLoader("bench_core.demo"), autoescape=True).get_template("page.html")
    html = page.render(methods=methods, largest=LARGEST_FILE, formats=FORMATS, example=example is not None)
    return Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse(html)),
            *([Route("/example", lambda request: _png(example))] if example is not None else []),
            Mount("/assets", StaticFiles(directory=ASSETS)),
            *(
                Route(f"/{answer.__name__}", _answering(answer), methods=["POST"])
                for answer in (answers.picture, answers.mask, answers.inpaint)
            ),
        ],
        middleware=[Middleware(Guard, host=host)],
        exception_handlers={BadInput: _tell, HTTPException: _refuse},
    )


class Answers:
    """One for each thing that the page asks for, from the fields of a form: a picture as PNG.

    What cannot be read or painted is an answer, too: {"error": why}.
    """

    def __init__(self, methods: Sequence[DemoMethod]) -> None:
        self.methods = methods
        self._turn = Lock()
        """One paints at a time, so that none slows another down and is measured so."""

    def picture(self, form: FormData) -> Response:
        """``picture`` as methods see it: upright, 8 bits, without transparency."""
        _, picture = requests.picture(form, "picture")
        return _png(picture)

    def mask(self, form: FormData) -> Response:
        """``mask``, if it has the size of ``picture``, with nothing but black and white."""
        (name, picture), (called, mask) = (requests.picture(form, key) for key in ("picture", "mask"))
        require_same_size(called, mask, name, picture)
        return _png(is_white(mask)[..., None].astype(np.uint8) * 255)

    def inpaint(self, form: FormData) -> Response:
        """What the contestant with the number ``method`` makes of ``picture`` where ``hole`` is white.

        The white of ``sketch`` are lines to follow. The header Server-Timing tells how long it took, in milliseconds.
        """
        method = self.methods[requests.number(form, "method", len(self.methods))]
        (name, picture), *marks = (requests.picture(form, key) for key in ("picture", "hole", "sketch"))
        for called, each in marks:
            require_same_size(called, each, name, picture)
        with self._turn:
            painted = method.inpaint(picture, *(is_white(each) for _, each in marks))
        if painted.picture is None:
            raise BadInput(painted.error)
        times = {"loading": painted.loading, "painting": painted.painting}
        taken = ", ".join(f"{name};dur={1000 * seconds:.3f}" for name, seconds in times.items())
        return _png(painted.picture, {"Server-Timing": taken})


def _png(picture: Array, headers: Mapping[str, str] | None = None) -> Response:
    return Response(as_png(picture), media_type="image/png", headers=headers)


def _answering(answer: Answer) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        form = await requests.read(request)
        try:
            return await run_in_threadpool(answer, form)
        finally:
            await form.close()

    return endpoint


async def _tell(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)})


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
