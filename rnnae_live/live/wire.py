"""How the processes of a live session talk: small binary messages over local stream sockets.

player <-> [wire] <-> engine, front <-> [wire] <-> both

A session has a folder that only its user can enter. A process listens on a name in it, another one calls that name:
a Unix socket, or where there are none (or the path is too long for one) a TCP port of this machine that is written
into the folder together with a secret. A frame is 5 bytes (length, kind) and its payload.

*Threading*: one thread an end.
*Errors*: ``OSError`` where nobody listens; ``LinkLostError`` when the other end is gone.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

from rnnae_live.events import PLAYED, Cut, Due, DueNote, Mark, Notice, Output, Retime, Thru, Withdraw

LONGEST_UNIX_PATH = 100
"""Bytes of the path of a Unix socket that every system takes (104 on macOS)."""

CALL_TIMEOUT = 0.25
"""Seconds that making a connection may take."""

MOST_WAITING = 1 << 18
"""Bytes that may wait for the other end, and bytes that one frame may have. Beyond that the other end is frozen."""

_HEAD = struct.Struct("<IB")
_INPUT = struct.Struct("<dB")
_NOTE = struct.Struct("<ddBBBB")
_DUE = struct.Struct("<dB")
_MARK = struct.Struct("<d")
_WITHDRAW = struct.Struct("<Bdd")
_RETIME = struct.Struct("<BBBd")
_TAKEN = struct.Struct("<dBB")
_FAULT = struct.Struct("<B")
_SECRET = 32


class Kind(IntEnum):
    """What a frame says."""

    HELLO = 1
    """child -> front, JSON: who calls. front -> child, JSON: its options."""
    INPUT = 2
    """player -> engine: a message that came in, with its time and the kind of port it came from."""
    NOTE = 3
    DUE = 4
    CUT = 5
    """engine -> player: what is to be played. page or another command -> front -> player: CUT."""
    PING = 6
    PONG = 7
    """front -> child, and back with JSON: how it is. Another command -> front, and back: how each child is."""
    NOTICE = 8
    """child -> front: a sentence; the first byte is 1 for a fault."""
    FATAL = 9
    """child -> front: why it cannot go on, after the exit status."""
    STOP = 10
    """front -> child: release everything and leave."""
    READY = 11
    """child -> front, JSON: it works from now on. player -> engine: its ports are open, and it hears."""
    WITHDRAW = 12
    RETIME = 13
    THRU = 14
    """engine -> player: a change of mind, and what is played through."""
    MARK = 15
    """engine -> front: what is played from a moment on."""
    TAKE = 16
    """player -> front: messages that came in and went out, for the recorder."""
    WATCH = 17
    """front -> engine: whether anybody watches; the first byte is 1 where somebody does."""
    STATE = 18
    """engine -> front, JSON: what has changed of its ``view``, all of it after a ``WATCH``."""
    DO = 19
    """page -> front -> engine, JSON: what a remote control asks for, see ``Engine.do``."""
    ALONE = 20
    """front -> player: no engine comes for a while; everything is played through until one does."""
    RETURNED = 21
    """player -> engine: the controller is back, and shows nothing."""


class LinkLostError(ConnectionError):
    """The other end is gone, or takes nothing any more."""


Frame = tuple[Kind, bytes]


class Link:
    """One end of a connection. Nothing here waits: what the other end does not take yet is kept, up to a bound."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected socket."""
        self._socket = connection
        self._socket.setblocking(False)
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = bytearray()
        self._out = bytearray()

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._socket.fileno()

    def send(self, kind: Kind, payload: bytes = b"") -> None:
        """Send one frame.

        Raises:
            LinkLostError: nobody takes it.
        """
        self.send_frames([(kind, payload)])

    def send_frames(self, frames: list[Frame]) -> None:
        """Send several frames with one call of the system.

        Raises:
            LinkLostError: nobody takes them.
        """
        self._out += b"".join(_HEAD.pack(len(data), kind) + data for kind, data in frames)
        self.flush()
        if len(self._out) > MOST_WAITING:
            raise LinkLostError("the other end takes nothing")

    def flush(self) -> None:
        """Send what still waits, as far as the other end takes it.

        Raises:
            LinkLostError: the other end is gone.
        """
        try:
            while self._out:
                del self._out[: self._socket.send(self._out)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise LinkLostError(str(error)) from error

    def receive(self) -> list[Frame]:
        """Return the frames that have come, none where there are none.

        Raises:
            LinkLostError: the other end is closed, or sends what is no frame.
        """
        try:
            data = self._socket.recv(65536)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            raise LinkLostError(str(error)) from error
        if not data:
            raise LinkLostError("closed")
        self._in += data
        return list(self._frames())

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _frames(self) -> Iterator[Frame]:
        start = 0
        while len(self._in) - start >= _HEAD.size:
            length, kind = _HEAD.unpack_from(self._in, start)
            end = start + _HEAD.size + length
            if length > MOST_WAITING:
                raise LinkLostError(f"frame of {length} bytes")
            if end > len(self._in):
                break
            try:
                yield Kind(kind), bytes(self._in[start + _HEAD.size : end])
            except ValueError as error:
                raise LinkLostError(f"frame of unknown kind {kind}") from error
            start = end
        del self._in[:start]


class Listener:
    """Waits for calls to ``name`` in the folder of the session."""

    def __init__(self, folder: Path, name: str) -> None:
        """Listen; a listener of the same name that died is replaced.

        Raises:
            OSError: the folder cannot be written.
        """
        self._secret = b""
        path = folder / f"{name}.socket"
        path.unlink(missing_ok=True)
        (folder / f"{name}.port").unlink(missing_ok=True)
        if hasattr(socket, "AF_UNIX") and len(str(path).encode()) <= LONGEST_UNIX_PATH:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.bind(str(path))
            self._socket.listen(4)
        else:
            self._socket = socket.create_server(("127.0.0.1", 0))
            self._secret = secrets.token_bytes(_SECRET)
            port = self._socket.getsockname()[1]
            temporary = folder / f"{name}.port.new"
            temporary.write_text(f"{port} {self._secret.hex()}")
            temporary.replace(folder / f"{name}.port")
        self._socket.settimeout(CALL_TIMEOUT)

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._socket.fileno()

    def accept(self) -> Link | None:
        """Return the connection of the one who called, None where it went away or is a stranger."""
        try:
            connection, _ = self._socket.accept()
            connection.settimeout(CALL_TIMEOUT)
            if self._secret and not secrets.compare_digest(connection.recv(_SECRET), self._secret):
                connection.close()
                return None
        except OSError:
            return None
        return Link(connection)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def is_local(host: str) -> bool:
    """Return whether only this computer can reach an address; a name that is not known to be is not."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def call(folder: Path, name: str, patience: float = 0.0) -> Link:
    """Call the listener ``name`` in the folder of the session, for ``patience`` seconds again and again.

    Raises:
        OSError: nobody listens.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return _call(folder, name)
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.01)


def _call(folder: Path, name: str) -> Link:
    path = folder / f"{name}.socket"
    if path.exists():
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except OSError:
            connection.close()
            raise
        return Link(connection)
    port, secret = (folder / f"{name}.port").read_text().split()
    connection = socket.create_connection(("127.0.0.1", int(port)), timeout=CALL_TIMEOUT)
    connection.sendall(bytes.fromhex(secret))
    return Link(connection)


def pack_input(time: float, data: bytes, port: int = PLAYED) -> Frame:
    """Return the frame of a message that came in on a port to play on (``PLAYED``) or a controller's (``CONTROL``)."""
    return Kind.INPUT, _INPUT.pack(time, port) + data


def unpack_input(payload: bytes) -> tuple[float, bytes, int]:
    """Return time, bytes and kind of port of a message that came in."""
    time, port = _INPUT.unpack_from(payload)
    return time, payload[_INPUT.size :], port


def pack_output(output: Output) -> Frame:
    """Return the frame of what the engine put out."""
    match output:
        case DueNote(at, until, channel, pitch, velocity, part):
            return Kind.NOTE, _NOTE.pack(at, until, channel, pitch, velocity, part)
        case Due(at, data, port):
            return Kind.DUE, _DUE.pack(at, port) + data
        case Withdraw(part, after, until):
            return Kind.WITHDRAW, _WITHDRAW.pack(part, after, until)
        case Retime(part, channel, pitch, until):
            return Kind.RETIME, _RETIME.pack(part, channel, pitch, until)
        case Thru(mode):
            return Kind.THRU, bytes((mode,))
        case Cut(hard):
            return Kind.CUT, bytes((hard,))
        case Notice(text, fault):
            return Kind.NOTICE, bytes((fault,)) + text.encode()
        case Mark(at, text):
            return Kind.MARK, _MARK.pack(at) + text.encode()


def unpack_output(frame: Frame) -> Output | None:
    """Return what the engine put out, None for any other frame."""
    kind, payload = frame
    unpack = _UNPACK.get(kind)
    return None if unpack is None else unpack(payload)


def _due(payload: bytes) -> Due:
    at, port = _DUE.unpack_from(payload)
    return Due(at, payload[_DUE.size :], port)


_UNPACK: Mapping[Kind, Callable[[bytes], Output]] = {
    Kind.NOTE: lambda payload: DueNote(*_NOTE.unpack(payload)),
    Kind.DUE: _due,
    Kind.WITHDRAW: lambda payload: Withdraw(*_WITHDRAW.unpack(payload)),
    Kind.RETIME: lambda payload: Retime(*_RETIME.unpack(payload)),
    Kind.THRU: lambda payload: Thru(payload[0]),
    Kind.CUT: lambda payload: Cut(bool(payload and payload[0])),
    Kind.NOTICE: lambda payload: Notice(payload[1:].decode(errors="replace"), fault=bool(payload[0])),
    Kind.MARK: lambda payload: Mark(_MARK.unpack_from(payload)[0], payload[_MARK.size :].decode(errors="replace")),
}


def pack_take(messages: Iterable[tuple[float, bool, bytes]]) -> Frame:
    """Return the frame of messages for the recorder: time, whether it went out, bytes (255 at most)."""
    return Kind.TAKE, b"".join(_TAKEN.pack(at, out, len(data)) + data for at, out, data in messages if len(data) < 256)


def unpack_take(payload: bytes) -> Iterator[tuple[float, bool, bytes]]:
    """Yield what ``pack_take`` packed."""
    start = 0
    while start < len(payload):
        at, out, length = _TAKEN.unpack_from(payload, start)
        start += _TAKEN.size + length
        yield at, bool(out), payload[start - length : start]


def pack_fatal(status: int, text: str) -> Frame:
    """Return the frame of a child that cannot go on."""
    return Kind.FATAL, _FAULT.pack(status) + text.encode()


def pack_json(kind: Kind, plain: dict[str, Any]) -> Frame:
    """Return a frame that holds plain data."""
    return kind, json.dumps(plain).encode()


def unpack_json(payload: bytes) -> dict[str, Any]:
    """Return the plain data of a frame, nothing where there is none."""
    plain = json.loads(payload) if payload else {}
    return plain if isinstance(plain, dict) else {}
