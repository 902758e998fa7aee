"""The server behind a page: where it listens, and how it runs until it is interrupted."""

import socket

import uvicorn
from starlette.types import ASGIApp

from bench_core.errors import BadInput

SHUTDOWN_TIMEOUT = 2
"""Seconds that a painting under way has to end once the server is interrupted."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 means any that is free.

    Raises:
        BadInput: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise BadInput(f"{host}, port {port}, cannot be listened to ({error}); --port 0 takes a free one.") from error


def address(listening: socket.socket) -> str:
    """What to type into a browser on this machine."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def server(app: ASGIApp) -> uvicorn.Server:
    """Its ``run(sockets=[...])`` ends when its ``should_exit`` is set, or when it is interrupted."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
    )
    return uvicorn.Server(config)
