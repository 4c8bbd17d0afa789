"""Lets go of a page that has stopped reading, so that it does not hold up the others.

What the server sends goes to one page after the other (wslink holds a lock meanwhile). A page that
takes nothing, because its computer sleeps or its browser hangs, would keep all others waiting: for
ever, since aiohttp's heartbeat closes such a connection in an orderly way, that is, once all has
been sent. A page that is let go comes back by itself when it wakes (viewer.js).
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from .guard import Handler

#: Seconds in which a page has to take something of what waits for it.
_PATIENCE_S = 10.0

#: How often that is looked at meanwhile.
_LOOKS = 10


def cut_stalled_connections(application: web.Application, patience_s: float = _PATIENCE_S) -> None:
    """Watch the WebSockets of an application.

    Parameters
    ----------
    patience_s
        Seconds after which a connection that has taken nothing of what waits for it is cut.
    """
    watching: set[asyncio.Task[None]] = set()

    @web.middleware
    async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        if transport is not None and request.headers.get("Upgrade", "").lower() == "websocket":
            task = asyncio.get_running_loop().create_task(_watch(transport, patience_s))
            watching.add(task)
            task.add_done_callback(watching.discard)
        return await handler(request)

    application.middlewares.append(watched)


async def _watch(transport: asyncio.WriteTransport, patience_s: float) -> None:
    """Cut a connection as soon as what waits to be sent has stayed the same for that long.

    While a page takes nothing, nothing is added either: whoever sends waits for it. A connection
    that is being closed is watched until all is sent.
    """
    waiting, looks = 0, 0
    while not transport.is_closing() or waiting:
        await asyncio.sleep(patience_s / _LOOKS)
        now = transport.get_write_buffer_size()
        looks = looks + 1 if now == waiting > 0 else 0
        waiting = now
        if looks == _LOOKS:
            transport.abort()
            return
