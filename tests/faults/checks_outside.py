"""Checks that a planted fault has to fail: files, processes, remote controls. Each in a moment."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnae_live import chunks, files, midifile
from rnnae_live.config import file as config_file
from rnnae_live.errors import ConfigError, ControlError, MidiFileError, PresetError
from rnnae_live.library import SONGS, record
from rnnae_live.library.shelf import Shelf
from rnnae_live.live import nursery
from rnnae_live.live.session import Session
from rnnae_live.live.wire import Kind, Link, LinkLostError
from rnnae_live.osc import packet
from rnnae_live.osc.addresses import Order, understood
from rnnae_live.osc.flow import Intake as OscIntake
from rnnae_live.page import messages, viewers
from rnnae_live.page.gate import Gate
from rnnae_live.presets import pack
from tests import test_nursery
from tests.library import test_crash
from tests.library.songs import library, song

# -- files -----------------------------------------------------------------------------------------------------------


def losses(change: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RNNAE_HOME", "/dev/null")
            assert not test_crash.losses(change, folder)

    return check


def lost_update(folder: Path) -> None:
    found_ = library(folder, song("one", 1))
    inside, worst = [0], [0]
    real = Shelf.put

    def slow(shelf: Shelf, given: Any, *, keep_old: bool) -> Path:  # noqa: ANN401 - a record
        inside[0] += 1
        worst[0] = max(worst[0], inside[0])
        time.sleep(0.02)
        inside[0] -= 1
        return real(shelf, given, keep_old=keep_old)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shelf, "put", slow)
        writers = [threading.Thread(target=library(folder).save, args=(song(f"no {n}", n),)) for n in range(4)]
        for one in writers:
            one.start()
        for one in writers:
            one.join()
    assert worst[0] == 1, "two wrote at once"
    assert found_.folder == folder


def unfinished(folder: Path) -> None:
    library(folder, song("one", 1))
    (folder / SONGS / f".x{files.TEMPORARY}").write_bytes(b"half")
    library(folder).save(song("two", 2))
    assert not list((folder / SONGS).glob(f"*{files.TEMPORARY}"))


def giant_preset(_: Path) -> None:
    with pytest.raises(PresetError, match="too large"):
        record.read(b" " * ((8 << 20) + 1) + b"{}", "x")


def impossible_preset(_: Path) -> None:
    good = record.write(song("one", 1).record)
    with pytest.raises(PresetError):
        record.read(good.replace(b'"bpm": 120', b'"bpm": -120'), "x")


def slipping_pack(folder: Path) -> None:
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("../evil.json", b"{}")
    with pytest.raises(PresetError, match="has no place"):
        pack.read_pack(folder / "x.zip")


def midi_events(_: Path) -> None:
    body = b"\x00\x90\x3c\x40\x00\x80\x3c\x00" * 160_000
    data = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk" + len(body).to_bytes(4, "big") + body
    with pytest.raises(MidiFileError, match="more than"):
        midifile.read(data)


def midi_length(_: Path) -> None:
    assert chunks._number(b"\xff" * 100_000, 0, 100_000) == (0x0FFFFFFF, 4)


def hostile_title(_: Path) -> None:
    title = "\x1b[31m\u202eevil".encode()
    body = b"\x00\xff\x03" + bytes((len(title),)) + title + b"\x00\x90\x3c\x50\x60\x80\x3c\x00\x00\xff\x2f\x00"
    data = b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk" + len(body).to_bytes(4, "big") + body
    assert midifile.read(data).parts[0].name == "[31mevil"


def giant_configuration(_: Path) -> None:
    with pytest.raises(ConfigError, match=r"too large|longer|characters"):
        config_file._measure(b"a = 1\n" * 20_000, Path("x"))


# -- processes -------------------------------------------------------------------------------------------------------


def stuffed_link(_: Path) -> None:
    here, there = socket.socketpair()
    link = Link(here)
    try:
        with pytest.raises(LinkLostError):
            link.send_frames([(Kind.NOTICE, bytes(1000))] * 2000)
    finally:
        link.close()
        there.close()


def left_sounding(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNAE_HOME", str(folder))
        first = Session()
        first.ledger.add(2, 60, 80)
        assert first._lock is not None
        first._lock.close()
        second = Session()
        left = list(second.left)
        second.ledger.remove(2, 60)
        second.close()
        assert left == [(2, 60)]


class _Dead:
    """A process that has died."""

    pid = 0

    def poll(self) -> int:
        return -9

    def wait(self, _timeout: float | None = None) -> int:
        return -9

    def kill(self) -> None:
        return


def born(folder: Path, seconds: float, process: Callable[[], Any], heard: bool = True) -> tuple[int, list[str]]:
    """Return how often a child that is as ``process`` says was started, and what was said."""
    said: list[str] = []
    kid = nursery.Kid("engine", was_ready=True)
    kids = nursery.Nursery(folder, [kid], said.append, lambda _kid: None)
    starts = [0]

    def spawn(_role: str) -> Any:  # noqa: ANN401 - stands in for a process
        starts[0] += 1
        return process()

    kids._spawn = spawn  # type: ignore[method-assign,assignment]
    now = 0.0
    while now < seconds:
        kids.start(now)
        kid.ready = True
        if heard:
            kid.heard_at = now
        kids.beat(now)
        now += 0.1
    return starts[0], said


def restarts(folder: Path) -> None:
    count, said = born(folder, 50.0, _Dead)
    assert count <= 6
    assert any("in a minute" in one for one in said)


def frozen(folder: Path) -> None:
    class Frozen(_Dead):
        def __init__(self) -> None:
            self.killed = False

        def poll(self) -> int | None:  # type: ignore[override]
            return -9 if self.killed else None

        def kill(self) -> None:
            self.killed = True

    _, said = born(folder, 5.0, Frozen, heard=False)
    assert any("does not answer" in one for one in said)


def alone(folder: Path) -> None:
    test_nursery.test_an_engine_that_dies_too_often_rests_and_the_player_is_told_that_it_is_alone(folder)


def let_go(folder: Path) -> None:
    test_nursery.test_a_player_that_dies_too_often_is_followed_by_one_that_only_releases(folder)


# -- remote controls -------------------------------------------------------------------------------------------------


def answer(one: Gate, headers: dict[str, str], path: str = "/", kind: str = "http") -> int:
    """Return the status of a request; 101 for an upgrade that comes through."""
    sent: list[Any] = []

    async def receive() -> Any:  # noqa: ANN401 - as starlette has it
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:  # noqa: ANN401 - as starlette has it
        sent.append(message)

    scope: dict[str, Any] = {"type": kind, "path": path, "method": "GET", "query_string": b""}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(one(scope, receive, send))
    return 101 if sent[0]["type"] == "websocket.accept" else int(sent[0].get("status", 403))


async def _app(scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - as starlette has it
    kind = "websocket.accept" if scope["type"] == "websocket" else "http.response.start"
    await send({"type": kind, "status": 200, "headers": []})


def rebinding(_: Path) -> None:
    assert answer(Gate(_app, "127.0.0.1", 7712), {"host": "evil.example:7712"}) == 421


def other_origin(_: Path) -> None:
    headers = {"host": "127.0.0.1:7712", "origin": "http://evil.example"}
    assert answer(Gate(_app, "127.0.0.1", 7712), headers, "/ws", "websocket") == 403


def without_token(_: Path) -> None:
    assert answer(Gate(_app, "0.0.0.0", 7712, "q" * 43), {"host": "192.0.2.7:7712"}) == 403


def crowded_page(_: Path) -> None:
    bucket = viewers.Bucket()
    assert sum(bucket.take(number / 10_000) for number in range(10_000)) <= 401


def wish_of_nan(_: Path) -> None:
    with pytest.raises(ControlError):
        messages.read('{"do":{"turn":"follow","value":1' + "0" * 400 + "}}")


def deep_osc(_: Path) -> None:
    data = b"/rnnae/panic\0\0\0\0,\0\0\0"
    for _depth in range(40):
        data = b"#bundle\0" + bytes(8) + len(data).to_bytes(4, "big") + data
    with pytest.raises(ControlError, match="nested"):
        packet.messages(data)


def osc_of_nan(_: Path) -> None:
    with pytest.raises(ControlError, match="no finite number"):
        understood(packet.Message("/rnnae/follow", (math.nan,)))


def osc_panic(_: Path) -> None:
    one = OscIntake()
    for _turn in range(10):
        for _press in range(40):
            one.offer(Order(0, "answer"))
        one.take(0.0)
    one.offer(Order(None, "panic"))
    assert any(order.name == "panic" for order in one.take(0.0))
