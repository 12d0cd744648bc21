"""Addresses of the page and what answers at each; the server that listens."""

import asyncio
import json
import logging
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from skelvid.app.camera import Camera
from skelvid.app.guard import FILE_POLICY, Guard
from skelvid.app.jobs import RESULTS, Job, Jobs
from skelvid.app.rows import describe, rows_of
from skelvid.config import RunConfig, load_config
from skelvid.errors import ConfigError, SkelvidError
from skelvid.motion.lift import Lifter
from skelvid.pipeline import estimate
from skelvid.pipeline.folder import run_video

log = logging.getLogger(__name__)

MAX_UPLOAD_BYTES = 1 << 30
MAX_PICTURE_BYTES = 4 << 20
# A page that is loaded anew comes before its last sitting has ended.
LEAVING_S = 3.0
# What the page may change.
SETTINGS = ("motion.height_m", "motion.activity", "motion.refine")
_PAGE = Path(__file__).parent / "page"
# A browser shows these; it saves all else.
_SHOWN = (".html", ".mp4", ".png")


class _App:
    """What the addresses share."""

    def __init__(self, sets: tuple[str, ...], folder: Path, max_upload_bytes: int) -> None:
        self.sets, self.max_upload_bytes, self.jobs = sets, max_upload_bytes, Jobs(folder)
        self._sitting = asyncio.Lock()
        self._lifter: Lifter | None = None
        self._loading = asyncio.Lock()

    def settings(self, base: str, wanted: dict[str, str]) -> RunConfig:
        """Return the settings the server was started with, with those the page may change."""
        known = [f"{name}={wanted[name]}" for name in SETTINGS if wanted.get(name)]
        return load_config(base, sets=[*self.sets, *known])

    async def lifter(self) -> Lifter:
        """Load it when it is first needed."""
        async with self._loading:
            if self._lifter is None:
                self._lifter = await run_in_threadpool(estimate.load_lifter, self.settings("webcam", {}))
        return self._lifter

    async def about(self, _: Request) -> Response:
        """Say what the page must know."""
        lifter = await self.lifter()
        return JSONResponse(describe(lifter.body.landmark_names) | {"maxBytes": self.max_upload_bytes})

    async def upload(self, request: Request) -> Response:
        """Take a video, the body of the request as it is, and queue it."""
        settings = self.settings("default", dict(request.query_params))
        place = self.jobs.new_place()
        video = place / "upload" / safe_name(request.query_params.get("name", ""))
        try:
            await self._receive(request, video)
            lifter = await self.lifter()
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

        def work(progress: Any) -> Any:
            return run_video(video, place / RESULTS, settings, lifter=lifter, progress=progress)

        job = self.jobs.add(place, work, leftovers=video.parent)
        return JSONResponse({"job": job.job_id})

    async def _receive(self, request: Request, video: Path) -> None:
        too_large = ConfigError(
            f"a video may have {self.max_upload_bytes / 1e6:.0f} MB at most: cut it, or start with --max-mb"
        )
        if int(request.headers.get("content-length", 0)) > self.max_upload_bytes:
            raise too_large
        video.parent.mkdir()
        size = 0
        with video.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self.max_upload_bytes:
                    raise too_large
                await run_in_threadpool(file.write, chunk)
        if not size:
            raise ConfigError("no video came")

    async def job(self, request: Request) -> Response:
        """Say how far a job is, or remove it."""
        job = self._job(request)
        if request.method == "DELETE":
            await run_in_threadpool(self.jobs.remove, job)
            return JSONResponse({})
        return JSONResponse(job.told())

    async def rows(self, request: Request) -> Response:
        """Give the numbers of one person of a job."""
        job = self._job(request)
        number = request.path_params["person"]
        if number >= len(job.results):
            raise HTTPException(404)
        rows = await run_in_threadpool(rows_of, job.results[number])
        return Response(rows.astype("<f4").tobytes(), media_type="application/octet-stream")

    async def file(self, request: Request) -> Response:
        """Give a file of a job."""
        job = self._job(request)
        path = Path(request.path_params["path"])
        if path not in job.files():
            raise HTTPException(404)
        shown = path.suffix in _SHOWN and "save" not in request.query_params
        how = "inline" if shown else "attachment"
        headers = {"Content-Security-Policy": FILE_POLICY} if path.suffix == ".html" else {}
        return FileResponse(job.folder / path, filename=path.name, content_disposition_type=how, headers=headers)

    def _job(self, request: Request) -> Job:
        job = self.jobs.get(request.path_params["job"])
        if job is None:
            raise HTTPException(404)
        return job

    async def live(self, browser: WebSocket) -> None:
        """Answer pictures of a camera by rows, and at the end, if it was recorded, by the number of a job."""
        await browser.accept()
        try:
            async with self._alone():
                wanted = json.loads(await browser.receive_text())
                settings = self.settings("webcam", {name: str(wanted.get(name) or "") for name in SETTINGS})
                await self._sit(browser, settings, self.jobs.new_place() if wanted.get("record") else None)
        except SkelvidError as error:
            await _say(browser, {"error": str(error)})
        except (ValueError, AttributeError, KeyError):
            await _say(browser, {"error": "the browser said something that is not understood"})
        except WebSocketDisconnect:
            return
        await _say(browser, None)

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        """Have the live view to oneself, after whoever is just leaving."""
        try:
            await asyncio.wait_for(self._sitting.acquire(), LEAVING_S)
        except TimeoutError as error:
            raise ConfigError("another page is using the live view already") from error
        try:
            yield
        finally:
            self._sitting.release()

    async def _sit(self, browser: WebSocket, settings: RunConfig, place: Path | None) -> None:
        lifter, loop = await self.lifter(), asyncio.get_running_loop()
        camera = Camera()

        def tell(row: bytes) -> None:
            asyncio.run_coroutine_threadsafe(_say(browser, row), loop)

        record = None if place is None else place / RESULTS
        work = asyncio.create_task(asyncio.to_thread(camera.run, settings, lifter, tell, record=record))
        await _say(browser, {"ready": True})
        try:
            await self._feed(browser, camera, work)
        finally:
            await asyncio.to_thread(camera.end)
            recording = await work
            if recording is not None and place is not None:
                job = self.jobs.add(place, lambda progress: recording.finish(lifter=lifter, progress=progress))
                await _say(browser, {"job": job.job_id})

    async def _feed(self, browser: WebSocket, camera: Camera, work: "asyncio.Task[Any]") -> None:
        """Hand pictures on until the browser ends it, or goes, or the work fails."""
        while True:
            coming = asyncio.create_task(browser.receive())
            await asyncio.wait((coming, work), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                return
            message = coming.result()
            if message["type"] == "websocket.disconnect" or message.get("bytes") is None:
                return
            await asyncio.to_thread(camera.put, message["bytes"])


def make_app(
    *,
    folder: Path,
    sets: tuple[str, ...] = (),
    max_upload_bytes: int = MAX_UPLOAD_BYTES,
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
) -> Starlette:
    """Return the application.

    Args:
        folder: For uploads and results; removed with all that is in it when the server ends.
        sets: Changes of settings, as for `load_config`.
        max_upload_bytes: Larger videos are refused.
        hosts: The names by which the server may be called; "*" = any.
    """
    app = _App(sets, folder, max_upload_bytes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await run_in_threadpool(app.jobs.close)

    return Starlette(
        routes=[
            Route("/api/about", app.about),
            Route("/api/videos", app.upload, methods=["POST"]),
            Route("/api/jobs/{job}", app.job, methods=["GET", "DELETE"]),
            Route("/api/jobs/{job}/rows/{person:int}", app.rows),
            Route("/api/jobs/{job}/files/{path:path}", app.file),
            WebSocketRoute("/api/live", app.live),
            Mount("/", StaticFiles(directory=_PAGE, html=True)),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers={SkelvidError: _refused, HTTPException: _not_here},
        lifespan=lifespan,
    )


def serve(
    *, host: str, port: int, sets: tuple[str, ...], max_upload_bytes: int, ready: Callable[[str], Any] = lambda _: None
) -> None:
    """Serve until Ctrl-C.

    Args:
        host: Address of this machine to listen at; 127.0.0.1 is heard by this machine only.
        port: 0 takes any that is free.
        sets: Changes of settings, as for `load_config`.
        max_upload_bytes: Larger videos are refused.
        ready: Called with the page's address as soon as it is there.

    Raises:
        ConfigError: The address cannot be had, or a setting is not allowed.
    """
    load_config("webcam", sets=sets)
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise ConfigError(f"port {port} of {host} cannot be had ({error.strerror}): name another by --port") from error
    local = host in ("127.0.0.1", "localhost")
    with tempfile.TemporaryDirectory(prefix="skelvid_app_") as folder, listening:
        app = make_app(
            folder=Path(folder) / "jobs",
            sets=sets,
            max_upload_bytes=max_upload_bytes,
            hosts=("127.0.0.1", "localhost") if local else ("*",),
        )
        ready(f"http://{host}:{listening.getsockname()[1]}/")
        settings = uvicorn.Config(app, log_level="warning", ws_max_size=MAX_PICTURE_BYTES, timeout_graceful_shutdown=3)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listening])


def safe_name(name: str) -> str:
    """Return a file name that means nothing to any file system, and still tells which video it was.

    >>> safe_name("../../Squat (1).MP4")
    'Squat_1_.MP4'
    """
    plain = re.sub(r"[^\w.-]+", "_", Path(name.replace("\\", "/")).name, flags=re.ASCII).lstrip("._-")
    return plain[-80:] or "video.mp4"


async def _say(browser: WebSocket, what: bytes | dict[str, Any] | None) -> None:
    """Send a row, a message, or the end; a browser that is gone is no fault."""
    try:
        if what is None:
            await browser.close()
        elif isinstance(what, bytes):
            await browser.send_bytes(what)
        else:
            await browser.send_text(json.dumps(what))
    except (RuntimeError, WebSocketDisconnect):
        log.debug("the browser is gone")


async def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _not_here(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": "that is not here, or no longer"}, error.status_code)
