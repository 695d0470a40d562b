"""The server: the page's files, its socket, MIDI files in and out, and the door for other computers.

gate -> [server] -> viewers, songs, takes

*Threading*: one event loop; what reads files and the model runs in a thread beside it, one piece of work at a time.
*Errors*: a request that fails is answered with a status and a sentence.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import mimetypes
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from rnnae_live.errors import ControlError, RnnaeError
from rnnae_live.page.gate import Gate
from rnnae_live.page.messages import LONGEST, MOST_PARTS, Import, Wish, imported
from rnnae_live.page.songs import LARGEST_IMPORT, Songs
from rnnae_live.page.takes import Takes
from rnnae_live.page.viewers import Viewers
from rnnae_live.view import Plain

STATIC = Path(__file__).parent / "static"
ENTRANCE = Path(__file__).parent / "entrance"
"""What is shown to whoever has followed a link with a token, until there is a cookie for it."""

MOST_CONNECTIONS = 64
"""Connections of any kind that are served at a time."""

MOST_IMPORTS = 4
"""Files that may wait to be imported."""

PARTS = frozenset(map(str, range(MOST_PARTS)))
"""Numbers of parts as they stand in an address."""

LOOK = 2.0
"""Seconds between two looks whether somebody else has changed the bank."""

SLOWEST_BODY = 30.0
"""Seconds that a file may take to come."""


class PageServer:
    """Serves the page on a socket that is bound; ``do`` and ``panic`` are its way to the front."""

    def __init__(
        self,
        bound: socket.socket,
        host: str,
        token: str,
        bank: Path | None,
        do: Callable[[Wish], None],
        panic: Callable[[], None],
    ) -> None:
        """Find the bank and make the routes.

        Raises:
            ModelError: there is no bank.
        """
        self._socket = bound
        self._do = do
        self.viewers = Viewers(do, panic, self._import, self._export)
        self.takes = Takes()
        self._songs = Songs(bank)
        self._working = asyncio.Lock()
        self._imports = 0
        self.gate = Gate(self._routes(), host, bound.getsockname()[1], token)
        # Some systems have other ideas of what a script is, and a browser believes them.
        mimetypes.add_type("text/javascript", ".js")
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.gate,
                loop="none",
                http="h11",
                ws=Socket,
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=15,
                ws_max_size=LONGEST,
                ws_per_message_deflate=False,
                ws_ping_interval=20.0,
                ws_ping_timeout=20.0,
            )
        )
        # Signals are the business of the process.
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]

    async def serve(self) -> None:
        """Serve until ``stop``."""
        look = asyncio.create_task(self._look())
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            look.cancel()

    def stop(self) -> None:
        """Let ``serve`` end."""
        self._server.should_exit = self._server.force_exit = True

    def state(self, different: Plain) -> None:
        """Take what has changed of the engine's view."""
        self.viewers.state(different)
        self.takes.see(self.viewers.seen)

    async def _look(self) -> None:
        """Show the presets, and again when somebody has changed them."""
        fresh = True
        while True:
            if fresh:
                async with self._working:
                    self.viewers.show_presets(await asyncio.to_thread(self._songs.rows))
            await asyncio.sleep(LOOK)
            async with self._working:
                fresh = bool(self.viewers) and await asyncio.to_thread(self._songs.refresh)

    # -- routes ------------------------------------------------------------------------------------------------------

    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", lambda _: FileResponse(STATIC / "index.html")),
                Mount("/static", StaticFiles(directory=STATIC)),
                WebSocketRoute("/ws", self._ws),
                Route("/answer.mid", self._download),
                Route("/session.mid", self._download),
                Route("/import", self._upload, methods=["POST"]),
                Route("/enter", self._enter, methods=["GET", "POST"]),
                Route("/enter.js", lambda _: FileResponse(ENTRANCE / "enter.js")),
            ]
        )

    async def _ws(self, socket: WebSocket) -> None:
        await self.viewers.welcome(socket)

    async def _enter(self, request: Request) -> Response:
        """Show the door, or open it for whoever has the token."""
        if request.method != "POST":
            return FileResponse(ENTRANCE / "enter.html")
        given = (await _body(request, 1024)).decode("ascii", "replace")
        if not self.gate.is_token(given):
            return PlainTextResponse("This link is not valid any more; take the newest that was printed.", 403)
        response = Response(status_code=204)
        response.set_cookie(self.gate.cookie, given, httponly=True, samesite="strict", path="/")
        return response

    async def _download(self, request: Request) -> Response:
        name, part = request.url.path.strip("/"), request.query_params.get("part", "")
        try:
            data = await self._take(name.removesuffix(".mid"), int(part) if part in PARTS else None)
        except RnnaeError as error:
            return PlainTextResponse(str(error), 404)
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(data, media_type="audio/midi", headers=headers)

    async def _upload(self, request: Request) -> Response:
        """Import the MIDI file that is the body; name, slot, part and track are in the query."""
        query = request.query_params
        try:
            numbers = [int(query[key]) if key in query else None for key in ("slot", "part", "track")]
            data = await _body(request, LARGEST_IMPORT)
            report = await self._import(imported(query.get("name", ""), data, *numbers))
        except (ControlError, ValueError) as error:
            return PlainTextResponse(str(error), 400)
        except TimeoutError:
            return PlainTextResponse("The file came too slowly.", 408)
        except OverflowError:
            return PlainTextResponse(f"A MIDI file has at most {LARGEST_IMPORT >> 20} MB; this one is larger.", 413)
        return JSONResponse(report, 200 if "imported" in report else 422)

    # -- work --------------------------------------------------------------------------------------------------------

    async def _import(self, given: Import) -> Plain:
        """Make a preset of a file and put it into its slot; return what the browser is told."""
        if self._imports >= MOST_IMPORTS:
            return {"refused": "Several files are being imported; try again in a moment."}
        self._imports += 1
        try:
            async with self._working:
                report, wish = await asyncio.to_thread(self._songs.take, given)
                if report["stored"]:
                    self.viewers.show_presets(await asyncio.to_thread(self._songs.rows))
        except RnnaeError as error:
            return {"refused": f"{given.name[:60]!r} could not be imported: {error}"}
        finally:
            self._imports -= 1
        if wish:
            self._do(wish)
        return {"imported": report}

    async def _export(self, what: str) -> Plain:
        try:
            data = await self._take(what)
        except RnnaeError as error:
            return {"refused": str(error)}
        return {"export": {"name": f"{what}.mid", "data": base64.b64encode(data).decode()}}

    async def _take(self, what: str, part: int | None = None) -> bytes:
        if what == "answer":
            return await asyncio.to_thread(self.takes.answer, part)
        return await asyncio.to_thread(self.takes.session)


class Socket(WebSocketsSansIOProtocol):
    """A WebSocket whose connection can be ended at once, by whoever has its scope."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection be known."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def _body(request: Request, most: int) -> bytes:
    """Return the body of a request.

    Raises:
        OverflowError: it is longer than ``most``.
        TimeoutError: it came too slowly.
    """
    data = bytearray()
    async with asyncio.timeout(SLOWEST_BODY):
        async for chunk in _chunks(request):
            data += chunk
            if len(data) > most:
                raise OverflowError
    return bytes(data)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:12]) > LARGEST_IMPORT:
        raise OverflowError
    async for chunk in request.stream():
        yield chunk
