"""What the page asks for besides trame's own: sending a file, and two downloads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from ..errors import InputError, TTAUncertaintyError
from ..results import Bundle
from ..results.bundle import NO_REPORT
from ..scene.loading import folder_of
from .part import Part
from .run_choice import FILES
from .session import IMAGE, LANDMARKS, FileKind, Upload, check_content, plain_name

#: What is sent for what.
_ROLES = FILES | {
    "structures": IMAGE,
    "fixed-landmarks": LANDMARKS,
    "moving-landmarks": LANDMARKS,
}
_CHUNK_BYTES = 1 << 20

#: The report opens as a page of its own that may run nothing and load nothing.
_REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Web(Part):
    """Routes below /tta. All of them are behind the guard."""

    def add_to(self, application: web.Application) -> None:
        """Add the routes."""
        application.add_routes(
            [
                web.put("/tta/upload/{role}", self._upload),
                web.get("/tta/review.zip", self._review),
                web.get("/tta/report.html", self._report),
                web.post("/paraview/", self._no_launcher),
            ]
        )

    async def _upload(self, request: web.Request) -> web.Response:
        role = request.match_info["role"]
        kind = _ROLES.get(role)
        if kind is None:
            raise web.HTTPNotFound
        name = plain_name(unquote(request.headers.get("X-File-Name", "")))
        viewer = self._viewer
        try:
            path = viewer.session.place_for(name, kind)
            size = await self._receive(request, name, path)
            with viewer.state as state:
                state.problem = state.remedy = ""
                self._hand_over(role, kind, Upload(name, path, size))
        except TTAUncertaintyError as error:
            with viewer.state:
                viewer.say_problem(error)
            return web.Response(status=422, text=str(error))
        except Exception as error:  # a mistake of ours: said in the page, and the viewer goes on
            with viewer.state:
                viewer.say_problem(error)
            return web.Response(status=500, text="The file could not be taken.")
        return web.Response(status=204)

    def _hand_over(self, role: str, kind: FileKind, upload: Upload) -> None:
        run, review = self._viewer.run, self._viewer.review
        takers: dict[str, Callable[[Upload], None]] = {
            **{name: partial(run.take, name) for name in FILES},
            "structures": review.use_structures,
            "fixed-landmarks": partial(review.landmarks.take, "fixed"),
            "moving-landmarks": partial(review.landmarks.take, "moving"),
        }
        try:
            if kind is IMAGE:
                check_content(upload)
            takers[role](upload)
        except Exception as error:
            upload.path.unlink(missing_ok=True)
            if not isinstance(error, TTAUncertaintyError):
                raise
            # the person knows the file by the name it has there
            said = error.problem.replace(str(upload.path), upload.name)
            raise InputError(said, error.remedy) from error

    async def _receive(self, request: web.Request, name: str, path: Path) -> int:
        """Write what is sent; nothing is left of what is too large or breaks off."""
        size, whole = 0, False
        session = self._viewer.session
        if (request.content_length or 0) > session.largest_upload:
            raise session.too_large(name)
        try:
            with path.open("xb") as file:
                async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
                    size += len(chunk)
                    if size > session.largest_upload:
                        raise session.too_large(name)
                    file.write(chunk)
            whole = True
        except OSError as error:
            raise InputError(
                f"There is no room for {name}.", "Free some space on the disk of temporary files."
            ) from error
        finally:
            if not whole:
                path.unlink(missing_ok=True)
        return size

    async def _review(self, _request: web.Request) -> web.Response:
        viewer = self._viewer
        try:
            packed = viewer.review.export()
        except TTAUncertaintyError as error:
            with viewer.state:
                viewer.say_problem(error)
            return web.Response(status=409, text=str(error))
        headers = {"Content-Disposition": 'attachment; filename="review.zip"'}
        return web.Response(body=packed, content_type="application/zip", headers=headers)

    async def _no_launcher(self, _request: web.Request) -> web.Response:
        """Answer trame's question for a launcher, which there is none of."""
        return web.Response(status=204)

    async def _report(self, _request: web.Request) -> web.StreamResponse:
        result = self._viewer.result
        folder = None if result is None else folder_of(result)
        if folder is None:
            raise web.HTTPNotFound(text="There is no report.")
        report = Bundle.open(folder).report
        if not report.is_file():
            raise web.HTTPNotFound(text=NO_REPORT.format(folder=folder))
        headers = {"Content-Security-Policy": _REPORT_POLICY}
        return web.FileResponse(report, headers=headers)
