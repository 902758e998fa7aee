"""The HTTP server: opens a port, and runs until it is interrupted."""

import socket

import uvicorn
from starlette.types import ASGIApp

from bench_core.errors import BadInput

SHUTDOWN_TIMEOUT = 2
"""Seconds to wait for running requests when the server is interrupted."""


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket. Port 0 chooses a free one.

    Raises:
        BadInput: The address is unknown, or the port is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise BadInput(f"Cannot listen on {host}, port {port} ({error}); --port 0 chooses a free one.") from error


def address(listening: socket.socket) -> str:
    """Return the URL of the page on this machine."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def server(app: ASGIApp) -> uvicorn.Server:
    """Configure a server. ``run(sockets=[...])`` ends on Ctrl-C, or when ``should_exit`` is set to True."""
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
