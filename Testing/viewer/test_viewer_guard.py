"""Nobody without this start's token, and nobody from another site, gets an answer."""

from __future__ import annotations

import http.client
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from support import graphics
from support.chromium import run_beside
from support.viewer_process import ViewerProcess

PATHS = ("/", "/index.html", "/vue.global.js", "/__tta/viewer.js", "/tta/report.html", "/ws")


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ViewerProcess]:
    graphics.require()
    with ViewerProcess(tmp_path_factory.mktemp("guard"), "--largest-upload", "0.001") as viewer:
        yield viewer


def ask(
    viewer: ViewerProcess, method: str, path: str, body: bytes = b"", **headers: str
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", viewer.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body or None, headers=named)
    answer = connection.getresponse()
    answer.read()
    return answer


def cookie(viewer: ViewerProcess) -> str:
    return f"ttauncertainty_{viewer.port}={viewer.token}"


@pytest.mark.parametrize("path", PATHS)
def test_without_the_token_nothing_answers(viewer: ViewerProcess, path: str) -> None:
    assert ask(viewer, "GET", path).status == 403
    assert ask(viewer, "GET", f"{path}?token=wrong").status == 403
    assert ask(viewer, "GET", path, Cookie=f"ttauncertainty_{viewer.port}=wrong").status == 403


def test_the_token_becomes_a_cookie_that_scripts_cannot_read(viewer: ViewerProcess) -> None:
    answer = ask(viewer, "GET", f"/?token={viewer.token}")
    assert answer.status == 302
    assert answer.getheader("Location") == "/index.html"
    made = answer.getheader("Set-Cookie") or ""
    assert "HttpOnly" in made and "SameSite=Strict" in made
    assert ask(viewer, "GET", "/index.html", Cookie=cookie(viewer)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", ""])
def test_another_host_name_is_refused_even_with_the_token(viewer: ViewerProcess, host: str) -> None:
    named = host.format(port=viewer.port)
    answer = ask(viewer, "GET", "/index.html", Cookie=cookie(viewer), Host=named)
    assert answer.status in (400, 403)


def test_another_sites_page_is_refused_even_with_the_token(viewer: ViewerProcess) -> None:
    for origin in ("https://evil.example", "null", f"http://evil.example:{viewer.port}"):
        answer = ask(viewer, "GET", "/index.html", Cookie=cookie(viewer), Origin=origin)
        assert answer.status == 403


def _handshake(viewer: ViewerProcess, **headers: str) -> int:
    async def shake() -> int:
        address = f"http://127.0.0.1:{viewer.port}/ws"
        async with aiohttp.ClientSession() as session:
            try:
                async with session.ws_connect(address, headers=headers):
                    return 101
            except aiohttp.WSServerHandshakeError as error:
                return error.status

    return run_beside(shake())


def test_the_socket_needs_the_token_and_its_own_page(viewer: ViewerProcess) -> None:
    assert _handshake(viewer) == 403
    assert _handshake(viewer, Cookie="a=b") == 403
    assert _handshake(viewer, Cookie=cookie(viewer), Origin="https://evil.example") == 403
    assert _handshake(viewer, Cookie=cookie(viewer)) == 101


def test_it_listens_on_this_machine_alone(viewer: ViewerProcess) -> None:
    assert viewer.address.startswith("http://127.0.0.1:")
    assert "warning" not in viewer.output


def test_what_is_sent_has_to_be_an_image(viewer: ViewerProcess) -> None:
    def send(name: str, body: bytes, role: str = "fixed", **more: str) -> int:
        return ask(
            viewer,
            "PUT",
            f"/tta/upload/{role}",
            body,
            Cookie=cookie(viewer),
            X_File_Name=name,
            **more,
        ).status

    assert ask(viewer, "PUT", "/tta/upload/fixed", b"x", X_File_Name="a.nii").status == 403
    assert send("a.exe", b"MZ") == 422
    assert send("a.nii.gz", b"not an image") == 422
    assert send("..%2F..%2Fetc%2Fpasswd", b"x") == 422
    assert send("a.nrrd", b"NRRD0004\n", role="other") == 404
    assert send("a.nrrd", b"NRRD0004\n", role="calibration") == 422
    assert send("a.json", b"[]", role="calibration") == 422
    assert send("a.json", b"NRRD0004\n") == 422
    assert send("a.csv", b"label,l,p,s\n", role="fixed-landmarks") == 422
    assert send("a.nrrd", b"x", Content_Length=str(5 * 1024**3)) == 422
    (folder,) = viewer.private_folders
    assert not list(folder.glob("upload-*"))
    assert send("..%2F..%2Fa.nrrd", b"NRRD0004\n") == 204
    assert [file.name for file in folder.glob("upload-*")] == ["upload-5.nrrd"]
    assert folder.stat().st_mode & 0o077 == 0


def test_what_grows_too_large_while_it_is_sent_is_refused_and_removed(
    viewer: ViewerProcess,
) -> None:
    (folder,) = viewer.private_folders
    before = set(folder.glob("upload-*"))
    connection = http.client.HTTPConnection("127.0.0.1", viewer.port, timeout=60)
    parts = (b"NRRD0004" + bytes(2**18) for _ in range(8))  # 2 MB, and nothing says so before
    connection.request(
        "PUT",
        "/tta/upload/fixed",
        body=parts,
        headers={"Cookie": cookie(viewer), "X-File-Name": "a.nrrd"},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    assert (answer.status, b"a.nrrd is larger than 0.001 GB" in answer.read()) == (422, True)
    assert set(folder.glob("upload-*")) == before


def _begin_to_send(viewer: ViewerProcess) -> socket.socket:
    """Send the first part of a file, see that it arrives, and leave the rest out."""
    (folder,) = viewer.private_folders
    host = urlsplit(viewer.address).netloc
    sending = socket.create_connection((host.partition(":")[0], viewer.port))
    lines = [
        "PUT /tta/upload/fixed HTTP/1.1",
        f"Host: {host}",
        f"Cookie: {cookie(viewer)}",
        "X-File-Name: a.nrrd",
        "Content-Length: 1000000",
    ]
    sending.sendall("\r\n".join([*lines, "", "NRRD0004"]).encode())
    end = time.monotonic() + 60
    while not list(folder.glob("upload-*")):
        assert time.monotonic() < end
        time.sleep(0.02)
    return sending


@pytest.mark.parametrize(
    ("how", "host"), [(signal.SIGTERM, "127.0.0.2"), (signal.SIGINT, "0.0.0.0")]
)
def test_nothing_private_is_left_at_the_end(tmp_path: Path, how: signal.Signals, host: str) -> None:
    graphics.require()
    with ViewerProcess(tmp_path, "--host", host) as viewer:
        assert f"warning: listening on {host}" in viewer.output
        with _begin_to_send(viewer):
            assert viewer.end(how) == 0, viewer.output
        assert viewer.private_folders == []
        assert "Traceback" not in viewer.output
