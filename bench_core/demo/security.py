"""Keeps other sites out: a page open in the same browser can neither use this server nor read its responses."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class SameOriginOnly(BaseHTTPMiddleware):
    """Middleware that rejects requests from other sites, and adds headers that forbid the browser to contact others."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        super().__init__(app)
        self.host = host

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        reason = why_foreign(request.headers, self.host)
        response = JSONResponse({"error": reason}, 403) if reason else await call_next(request)
        response.headers.update(HEADERS)
        return response


def why_foreign(headers: Headers, host: str) -> str:
    """Return why a request is not from this server's own page, or "" if it is."""
    # a site can point its own name at this machine (DNS rebinding), but the browser then still sends that name as Host
    asked = headers.get("host", "")
    if not _is_own(asked, host):
        return f"The host {asked!r} is not this server."
    origin = headers.get("origin")
    if origin not in (None, f"http://{asked}"):
        return f"A page of {origin!r} may not use this server."
    return ""


def _is_own(asked: str, host: str) -> bool:
    try:
        name = urlsplit(f"//{asked}").hostname or ""
        return name in ("localhost", host) or bool(ip_address(name))
    except ValueError:
        return False
