"""Who is let in: requests from this machine's own address that carry the token of this start.

The token comes once, in the address that the person opens, and moves into a cookie that scripts
cannot read. Page, static files and WebSocket are behind it. The Host header is checked too: a
foreign name that was made to point at 127.0.0.1 (DNS rebinding) is refused, and so is a WebSocket
that another site's page has opened.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Addresses that nobody but this machine reaches.
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")

#: All addresses of this machine.
_EVERY_HOST = ("0.0.0.0", "::")

_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets requests in, or refuses them.

    Parameters
    ----------
    host
        The address that the server listens on.
    """

    def __init__(self, host: str) -> None:
        self.token = secrets.token_urlsafe(32)
        self.host = host
        self.port = 0

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches the address."""
        return self.host in LOCAL_HOSTS

    @property
    def address(self) -> str:
        """What the person opens on this machine; known once the server listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.host in _EVERY_HOST:
            host = "127.0.0.1"
        return f"http://{host}:{self.port}/?token={self.token}"

    def protect(self, application: web.Application) -> None:
        """Put the guard in front of everything that an application answers."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._answer(request, handler)

        application.middlewares.append(guard)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._host_is_ours(request.headers.get("Host", "")):
            raise web.HTTPForbidden(text="This address is not the viewer's.", headers=_HEADERS)
        origin = request.headers.get("Origin")
        if origin is not None and not self._host_is_ours(urlsplit(origin).netloc):
            raise web.HTTPForbidden(text="Another page may not ask the viewer.", headers=_HEADERS)
        given = request.query.get("token")
        if given is not None and self._is_token(given):
            found = web.HTTPFound("/index.html", headers=_HEADERS)
            found.set_cookie(self._cookie, self.token, httponly=True, samesite="Strict", path="/")
            raise found
        if not self._is_token(request.cookies.get(self._cookie, "")):
            raise web.HTTPForbidden(
                text="Open the address that the terminal shows: it ends with the key to this page.",
                headers=_HEADERS,
            )
        response = await handler(request)
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    @property
    def _cookie(self) -> str:
        """Cookies know no ports: the name tells two viewers apart."""
        return f"ttauncertainty_{self.port}"

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _host_is_ours(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        known = (*LOCAL_HOSTS, "[::1]", self.host, f"[{self.host}]")
        if self.host in _EVERY_HOST:  # asked for by hand: it may be called by any name
            return port == str(self.port)
        return name in known and port == str(self.port)
