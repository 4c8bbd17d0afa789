"""A page that reads nothing holds nobody up; one that reads slowly is left alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from support.chromium import run_beside

from TTAUncertaintyLib.viewer.stalled_connections import cut_stalled_connections

PATIENCE_S = 0.5
PICTURE = bytes(1 << 20)


class Server:
    """Sends pictures to whoever connects, one after another, as wslink does under its lock."""

    def __init__(self, watched: bool, heartbeat: float | None) -> None:
        self.ended = asyncio.Event()
        self.sent = 0
        self._heartbeat = heartbeat
        self.application = web.Application()
        self.application.router.add_get("/ws", self._serve)
        if watched:
            cut_stalled_connections(self.application, PATIENCE_S)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        page = web.WebSocketResponse(heartbeat=self._heartbeat)
        await page.prepare(request)
        sending = asyncio.create_task(self._send(page))
        async for _message in page:
            pass
        await sending
        return page

    async def _send(self, page: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                await page.send_bytes(PICTURE)
                self.sent += 1
        self.ended.set()


@contextlib.asynccontextmanager
async def listening(server: Server) -> AsyncIterator[int]:
    runner = web.AppRunner(server.application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def connect_without_reading(port: int) -> socket.socket:
    page = socket.create_connection(("127.0.0.1", port), timeout=10)
    page.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    return page


async def ends(server: Server, within_s: float) -> bool:
    try:
        await asyncio.wait_for(server.ended.wait(), within_s)
    except asyncio.TimeoutError:
        return False
    return True


@pytest.mark.parametrize("heartbeat", [None, 0.2], ids=["open", "closed by the heartbeat"])
def test_a_page_that_reads_nothing_is_let_go(heartbeat: float | None) -> None:
    async def run() -> None:
        server = Server(watched=True, heartbeat=heartbeat)
        async with listening(server) as port:
            page = connect_without_reading(port)
            assert await ends(server, 30)
            assert server.sent < 64
            page.close()

    run_beside(run())


def test_without_that_not_even_the_heartbeat_ends_it() -> None:
    async def run() -> None:
        server = Server(watched=False, heartbeat=0.2)
        async with listening(server) as port:
            page = connect_without_reading(port)
            assert not await ends(server, 3)
            page.close()

    run_beside(run())


def test_a_page_that_reads_slowly_gets_everything() -> None:
    async def run() -> None:
        server = Server(watched=True, heartbeat=None)
        async with (
            listening(server) as port,
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://127.0.0.1:{port}/ws", max_msg_size=0) as page,
        ):
            for _ in range(64):
                await asyncio.sleep(0.03)  # two seconds in all: four times the patience
                assert await page.receive_bytes() == PICTURE
            assert await ends(server, 30)
            assert server.sent == 64

    run_beside(run())
