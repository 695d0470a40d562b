"""The page's process: the server on one side, the front on the other, at a priority that costs the music nothing.

front <-> [process] <-> server

*Threading*: one thread with an event loop, and threads that read files.
*Errors*: as ``live.child``; ``MissingPartError`` where a package is missing, ``PortError`` where no port is free.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnae_live.control import Press
from rnnae_live.errors import MissingPartError, PortError
from rnnae_live.live import wire
from rnnae_live.live.child import Child
from rnnae_live.live.wire import Frame, Kind, LinkLostError

if TYPE_CHECKING:
    from rnnae_live.page.server import PageServer

PORT = 7712
"""Where the page is when nothing else is said, or on the next port that is free."""

PORTS = 20
"""Ports that are tried from there on."""

MOST_UNDERWAY = 1 << 16
"""Bytes that the system may hold on their way to a browser."""

NICE = 10
"""How far everything else goes first."""


class PageProcess(Child):
    """The process that serves the page."""

    role = "page"

    def start(self) -> dict[str, Any]:
        """Take a port and be ready to serve; the front is told the address.

        Raises:
            MissingPartError: a package is missing.
            PortError: the port is taken, or the address is none of this computer.
        """
        if hasattr(os, "nice"):
            with suppress(OSError):
                os.nice(NICE)
        try:
            from rnnae_live.page.server import PageServer
        except ModuleNotFoundError as error:
            raise MissingPartError(
                f"The control page needs the package {error.name}: pip install starlette uvicorn websockets."
            ) from error
        host, bank = self.options["page_host"], self.options["bank"]
        # On Windows only this loop can wait for the front as well.
        self._loop = asyncio.SelectorEventLoop(selectors.DefaultSelector())
        asyncio.set_event_loop(self._loop)
        bound = bind(host, self.options["page"])
        self._server: PageServer = PageServer(
            bound, host, self.options.get("token", ""), Path(bank) if bank else None, self._do, self._panic
        )
        port = bound.getsockname()[1]
        self.front.send(Kind.WATCH, b"\1")
        return {"port": port, "url": address(host, port)}

    def turn(self) -> None:
        """Serve until the front says stop."""
        self._loop.run_until_complete(self._serve())

    def take(self, frame: Frame) -> None:
        """Take a frame of the front: what has changed, and what the performer is told."""
        super().take(frame)
        kind, payload = frame
        if kind is Kind.STATE:
            self._server.state(wire.unpack_json(payload))
        elif kind is Kind.NOTICE:
            self._server.viewers.notice(payload[1:].decode(errors="replace"))

    def leave(self) -> None:
        """Nothing sounds here."""

    def status(self) -> dict[str, Any]:
        """Return how many look, and what was refused or too much."""
        if not hasattr(self, "_server"):
            return {}
        viewers = self._server.viewers
        refused = viewers.refused + self._server.gate.refused
        return {"viewers": len(viewers), "dropped": viewers.dropped, "refused": refused}

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self._server.serve())
        loop.add_reader(self.front.fileno(), self._read)
        loop.add_reader(self._woken.fileno(), self._awake)
        try:
            await serving
        except SystemExit as error:
            raise PortError("The control page could not be served.") from error
        finally:
            loop.remove_reader(self.front.fileno())
            loop.remove_reader(self._woken.fileno())
            self.stopping = True

    def _read(self) -> None:
        try:
            for frame in self.front.receive():
                self.take(frame)
        except LinkLostError:
            self.stopping = True
        self._end()

    def _awake(self) -> None:
        with suppress(BlockingIOError, InterruptedError):
            self._woken.recv(4096)
        self._end()

    def _end(self) -> None:
        if self.stopping:
            self._server.stop()

    def _do(self, wish: dict[str, Any]) -> None:
        self._hand_on(wire.pack_json(Kind.DO, wish))

    def _panic(self) -> None:
        """Silence the player at once, and let the engine forget what it would play."""
        self._hand_on((Kind.CUT, b"\1"), wire.pack_json(Kind.DO, {"press": Press.PANIC.value}))

    def _hand_on(self, *frames: Frame) -> None:
        try:
            self.front.send_frames(list(frames))
        except LinkLostError:
            self.stopping = True
            self._end()


def bind(host: str, port: str) -> socket.socket:
    """Return a socket that listens: on a port as digits, 0 for any, or on the first free one for "auto".

    Raises:
        PortError: the port is taken, or the address is none of this computer.
    """
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except (OSError, UnicodeError):
        raise PortError(f"'{host}' is no address for the control page; give one as 127.0.0.1.") from None
    tries = range(PORT, PORT + PORTS) if port == "auto" else [int(port)]
    why = ""
    for number in tries:
        try:
            bound = socket.create_server((host, number), family=family, backlog=64)
            # What lies in the system's buffers is old by the time that a slow browser reads it.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_UNDERWAY)
            return bound
        except OSError as error:
            why = error.strerror or str(error)
    taken = f"The port {tries[0]}" if len(tries) == 1 else f"None of the ports {tries[0]} to {tries[-1]}"
    raise PortError(f"{taken} of {host} cannot be opened for the control page ({why}); give another with --page.")


def address(host: str, port: int) -> str:
    """Return where a browser finds the page, on this computer or, where it is meant for others, on its network."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for on the command line, and behind a token
        host = _outward(host)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _outward(host: str) -> str:
    """Return the address of this computer that its network sees; nothing is sent to find it."""
    family, far = (socket.AF_INET6, "2001:db8::1") if host == "::" else (socket.AF_INET, "192.0.2.1")
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
        one.connect((far, 9))
        return str(one.getsockname()[0])
    return "localhost"
