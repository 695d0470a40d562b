"""Planted faults: each protection of the instrument is taken out in turn, and a check has to notice.

The code has no switch for this: a protection is removed by replacing a function or a bound for as long as its check
runs. A check that passes with the protection in place and without it protects nothing.

``found`` counts; ``python -m tests.faults`` reports "planted faults found / planted".
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import random
import socket
import stat
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.datastructures import Headers

from rnnae_live import agenda, capture, chunks, decoder, files, fuse, midifile, model, player, state, walk
from rnnae_live.clock.follower import Follower
from rnnae_live.config import file as config_file
from rnnae_live.echo import Way
from rnnae_live.engine import Engine
from rnnae_live.errors import ConfigError, ControlError, MidiFileError, ModelError, PresetError
from rnnae_live.events import Cut, Due, DueNote, NoteOn, Withdraw, note_off, note_on
from rnnae_live.feedback import Guard
from rnnae_live.fuse import Fuse, Lane
from rnnae_live.ledger import Ledger
from rnnae_live.library import SONGS, record
from rnnae_live.library import shelf as shelves
from rnnae_live.library.shelf import Shelf
from rnnae_live.live import nursery, session, wire
from rnnae_live.live.session import Session
from rnnae_live.live.wire import Kind, Link, LinkLostError
from rnnae_live.model import FILES, MANIFEST, Model
from rnnae_live.osc import packet
from rnnae_live.osc.addresses import Order, understood
from rnnae_live.osc.flow import Intake as OscIntake
from rnnae_live.page import gate, messages, viewers
from rnnae_live.page.gate import Gate
from rnnae_live.part import Part
from rnnae_live.player import Player
from rnnae_live.presets import factory, pack
from rnnae_live.state import State, mix
from rnnae_live.walk import Walk
from tests.faults.real import Real, dense, voices
from tests.library import test_crash
from tests.library.songs import library, song
from tests.test_feedback import Stage as Cable
from tests.test_feedback import Wire, melody, notes, sounding
from tests.test_sync import START, Synced, warm
from tests.virtual import Echo
from tests.virtual import Stage as Virtual

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Planted:
    """A protection: what takes it out, and a check that raises where it is out."""

    name: str
    remove: Callable[[Patch], None]
    check: Callable[[Path], None]


def found(fault: Planted, folder: Path) -> bool:
    """Return whether the check passes with the protection, and notices that it is out."""
    (folder / "with").mkdir(parents=True)
    (folder / "without").mkdir()
    fault.check(folder / "with")
    with pytest.MonkeyPatch.context() as patch:
        fault.remove(patch)
        try:
            fault.check(folder / "without")
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however it shows, it was noticed
            return True
    return False


def _set(owner: Any, name: str, value: Any) -> Callable[[Patch], None]:  # noqa: ANN401 - any protection
    return lambda patch: patch.setattr(owner, name, value)


# -- the player ------------------------------------------------------------------------------------------------------


def played(*steps: tuple[float, Any]) -> list[bytes]:
    """Return what a player sends that is given outputs at seconds, and asked every 10 ms until a minute has passed."""
    sent: list[bytes] = []
    one = Player(sent.append)
    clock, waiting = 0.0, list(steps)
    while clock < 12.0:
        while waiting and waiting[0][0] <= clock:
            step = waiting.pop(0)[1]
            step(one) if callable(step) else one.take(step)
        one.play(clock)
        clock = round(clock + 0.01, 3)
    return sent


def balance(sent: list[bytes]) -> int:
    """Return how many notes sound at the end; fail where one begins while it sounds."""
    down: set[bytes] = set()
    for data in sent:
        key = bytes((data[0] & 15, data[1]))
        if data[0] & 0xF0 == 0x90 and data[2]:
            assert key not in down, "a note begins that sounds"
            down.add(key)
        elif data[0] & 0xF0 in (0x80, 0x90):
            down.discard(key)
    return len(down)


def overlapping(_: Path) -> None:
    sent = played((0.0, DueNote(0.1, 2.0, 0, 60, 80)), (0.0, DueNote(1.0, 3.0, 0, 60, 80)))
    assert balance(sent) == 0


def backlog(_: Path) -> None:
    sent = played((5.0, DueNote(1.0, 6.0, 0, 60, 80)))
    assert not sent


def crowd(_: Path) -> None:
    one = Player(lambda _data: None)
    for number in range(9000):
        one.add(DueNote(10.0 + number, 11.0 + number, 0, number % 128, 80))
    assert one.pending <= 8192
    assert one.dropped > 0


def late_off(_: Path) -> None:
    sent = played((0.0, DueNote(0.0, 0.1, 0, 60, 80)), (0.0, lambda one: (one.play(0.0), one.play(3.0))))
    assert balance(sent) == 0


def cut_releases(_: Path) -> None:
    assert balance(played((0.0, DueNote(0.1, 1e9, 0, 60, 80)), (1.0, Cut()))) == 0


def engine_dies(_: Path) -> None:
    sent = played((0.0, DueNote(0.1, 1e9, 0, 60, 80)), (1.0, lambda one: one.abandon()))
    assert balance(sent) == 0


def change_of_mind(_: Path) -> None:
    sent = played(
        (0.0, DueNote(1.0, 1.2, 0, 60, 80)), (1.02, Withdraw(0, 0.9, 1.1)), (1.02, DueNote(1.0, 1.3, 0, 62, 80))
    )
    assert note_on(0, 62, 80) not in sent


def own_note_off(_: Path) -> None:
    def through(one: Player) -> None:
        one.set_thru(1)
        one.thru(note_on(0, 60, 90), 0.5)

    def looked(one: Player) -> None:
        assert (0, 60) in one.ledger, "somebody else ended what is played through"

    played((0.0, DueNote(0.1, 2.0, 0, 60, 80)), (0.5, through), (0.6, Due(1.0, note_off(0, 60))), (1.5, looked))


def invalid_bytes(_: Path) -> None:
    def through(one: Player) -> None:
        one.set_thru(2)
        one.thru(b"\x90\x3c\xf8", 0.5)

    assert not played((0.5, through))


def pedal(_: Path) -> None:
    def down(one: Player) -> None:
        one.set_thru(2)
        one.thru(b"\xb0\x40\x7f", 0.5)

    assert b"\xb0\x40\x00" in played((0.5, down), (1.0, Cut()))


def entered_first(_: Path) -> None:
    one: Player

    def send(data: bytes) -> None:
        if data[0] == 0x90:
            assert (0, 60) in one.ledger, "sent before it was entered"

    one = Player(send)
    one.add(DueNote(0.0, 1.0, 0, 60, 80))
    one.play(0.0)


def forgets(_: Path) -> None:
    one = agenda.Agenda()
    for number in range(5000):
        one.forget(one.push(1e6 + number, 2, note_on(0, 60, 80), 0))
    assert len(one._heap) <= 1000


# -- what comes in ---------------------------------------------------------------------------------------------------


def flooded_offs(_: Path) -> None:
    one, passed = Fuse(), list[bytes]()
    one.put(0.0, note_on(0, 60, 90))
    passed += [data for _, data in one.take(0.0)]
    for number in range(5000):
        one.put(0.0, note_on(1, number % 128, 80))
    passed += [data for _, data in one.take(0.0)]
    one.put(0.0, note_off(0, 60))
    passed += [data for _, data in one.take(0.0)]
    assert note_off(0, 60) in passed


def flooded_panic(_: Path) -> None:
    one = Fuse()
    for number in range(5000):
        one.put(0.0, note_on(1, number % 128, 80))
    one.take(0.0)
    one.put(0.0, b"\xb0\x7b\x00")
    assert one.take(0.0) == [(0.0, b"\xb0\x7b\x00")]


def flooded_bound(_: Path) -> None:
    one, passed = Fuse(), 0
    for number in range(100_000):
        one.put(number / 100_000, note_on(0, number % 128, 80))
        passed += len(one.take(number / 100_000))
    assert passed <= fuse.RATE + fuse.BURST + 1
    assert one.dropped[Lane.NOTE_ON] > 0


def flooded_clock(_: Path) -> None:
    one = Fuse()
    passed = 0
    for number in range(100_000):
        one.put(number / 100_000, b"\xf8")
        passed += len(one.take(number / 100_000))
    assert passed <= 600


def cable(_: Path) -> None:
    stage = Cable(Wire(0.02, 12), thru=True).play(notes(melody(random.Random(1), 12)), until=4.0)
    assert stage.cut is not None


def cable_of_notes(_: Path) -> None:
    stage = Cable(Wire(0.005, controls=False)).play(answers=notes(melody(random.Random(1), 32), step=0.05), until=6.0)
    assert stage.cut is not None


def cable_releases(_: Path) -> None:
    for seed in range(12):
        stage = Cable(Wire(0.02 + seed / 100, seed), thru=True).play(notes(melody(random.Random(seed), 12)), until=9.0)
        assert not sounding(stage.heard)


# -- the engine ------------------------------------------------------------------------------------------------------


def stage_raises(_: Path) -> None:
    broken = Echo(broken="compose")
    stage = Virtual(None, broken)
    stage.play(60, 62)
    stage.turn(85, 127)
    stage.run(stage.now + 2.0)
    assert stage.engine.faults > 0


def failing_part(_: Path) -> None:
    stage = Real(dense("loop", 1))
    stage.run(stage.now + 1.0)
    with pytest.MonkeyPatch.context() as patch:
        def fails(*_args: object) -> None:
            raise ValueError("broken")

        patch.setattr(Walk, "advance", fails)
        stage.run(stage.now + 0.05)
        assert stage.engine.parts[0].walk is None


def slept(_: Path) -> None:
    stage = Real(dense("loop", 1))
    stage.run(stage.now + 1.0)
    stage.leap(600.0)
    before = stage.player.dropped
    stage.run(stage.now + 0.1)
    assert stage.player.dropped - before <= 200


def long_phrase(_: Path) -> None:
    one = capture.Capture(120.0, 1.0)
    for number in range(3000):
        one.feed(NoteOn(number / 100, 0, 40 + number % 40, 80))
        if one.full:
            return
    raise AssertionError("a phrase without end")


def dead_clock(_: Path) -> None:
    stage = Synced()
    warm(stage)
    stage.hear(START)
    stage.tick(24 * 2 + 5, 120.0)
    with suppress(AssertionError):
        stage.run(stage.now + 3.0)
    assert not stage.engine.transport.running


def first_note(_: Path) -> None:
    for again in range(12):
        stage = Synced(jitter=0.005)
        stage.tick(48 + again, 120.0)
        stage.hear(START)
        stage.tick(30, 120.0)
        assert stage.pitches()[:1] == [60]


# -- model and states ------------------------------------------------------------------------------------------------


def state_of_nan(_: Path) -> None:
    bad = np.full((1, 128), np.nan, np.float32)
    with pytest.raises(ModelError):
        State(bad, bad)


def weight_of_nan(_: Path) -> None:
    good = voices().bank.model.mean
    with pytest.raises(ModelError, match="weight of 0 or more"):
        mix([good, good], [math.nan, 1.0])


def bundle(folder: Path, spoil: Callable[[dict[str, bytes]], None]) -> Path:
    content = {name: (factory() / name).read_bytes() for name in (*FILES, MANIFEST)}
    spoil(content)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def hash_of_model(folder: Path) -> None:
    def spoil(content: dict[str, bytes]) -> None:
        # Unknown bytes at the end: it would load and play.
        content["decoder.onnx"] += b"\x7a\x00"

    with pytest.raises(ModelError):
        Model.load(bundle(folder, spoil))


def fitted(content: dict[str, bytes]) -> None:
    manifest = json.loads(content[MANIFEST])
    manifest["sha256"] = {name: hashlib.sha256(content[name]).hexdigest() for name in FILES}
    content[MANIFEST] = json.dumps(manifest).encode()


def golden(folder: Path) -> None:
    def spoil(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        manifest["golden"]["state"][0] += 0.5
        content[MANIFEST] = json.dumps(manifest).encode()

    with pytest.raises(ModelError):
        Model.load(bundle(folder, spoil))


def operators(folder: Path) -> None:
    def spoil(content: dict[str, bytes]) -> None:
        # A node of another kind, with a name as long: the runtime knows it, we do not.
        content["encoder.onnx"] = content["encoder.onnx"].replace(b"\x22\x04Tanh", b"\x22\x04Sinh")
        content["decoder.onnx"] = content["decoder.onnx"].replace(b"\x22\x04Tanh", b"\x22\x04Sinh")
        fitted(content)

    with pytest.raises(ModelError, match="no model of ours"):
        Model.load(bundle(folder, spoil))


def longest(_: Path) -> None:
    one = voices().bank.model
    with pytest.raises(ModelError):
        decoder.decode(one, [one.mean], [24 * 4 * 64 + 1])


# -- files -----------------------------------------------------------------------------------------------------------


def losses(change: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RNNAE_HOME", "/dev/null")
            assert not test_crash.losses(change, folder)

    return check


def careless(shelf: Shelf, file: Path) -> Path:
    data = file.read_bytes()
    files.remove(file)
    files.write_whole(shelf.trash / file.name, data)
    return shelf.trash / file.name


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
    assert midifile.printable("\x1b[31m\u202eevil\n") == "[31mevil"


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

    kids._spawn = spawn  # type: ignore[method-assign]
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
    assert count <= nursery_most() + 1
    assert any("in a minute" in one for one in said)


def nursery_most() -> int:
    return 5


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
    for _ in range(40):
        data = b"#bundle\0" + bytes(8) + len(data).to_bytes(4, "big") + data
    with pytest.raises(ControlError, match="nested"):
        packet.messages(data)


def osc_of_nan(_: Path) -> None:
    with pytest.raises(ControlError, match="no finite number"):
        understood(packet.Message("/rnnae/follow", (math.nan,)))


def osc_panic(_: Path) -> None:
    one = OscIntake()
    for _ in range(10):
        for _ in range(40):
            one.offer(Order(0, "answer"))
        one.take(0.0)
    one.offer(Order(None, "panic"))
    assert any(order.name == "panic" for order in one.take(0.0))


# -- the list --------------------------------------------------------------------------------------------------------


def _release_nothing(self: Player, key: Any, waiting: Any, late: float) -> None:  # noqa: ANN401 - as the real one
    self.ledger.add(*key, waiting.data[2])
    sounding_ = self._sounding[key] = player._Sounding(waiting.serial, waiting.owner)
    if waiting.until is not None:
        self._set_off(key, sounding_, waiting.until)
    self._emit(waiting.data, waiting.at, late)


def _abandon(self: Player) -> None:
    self._agenda.clear()


def _drop_late_offs(patch: Patch) -> None:
    real = Player._off

    def off(self: Player, key: Any, waiting: Any, late: float) -> None:  # noqa: ANN401 - as the real one
        if late <= player.LATEST:
            real(self, key, waiting, late)

    patch.setattr(Player, "_off", off)


def _any_owner(self: Player, key: Any, waiting: Any, late: float) -> None:  # noqa: ANN401 - as the real one
    if key in self.ledger:
        self._release(key, waiting.at, late)


def _raise(self: Engine, error: Exception) -> list[Any]:
    raise error


def _without_lane(data: bytes) -> Lane | None:
    found_ = LANE(data)
    return Lane.VALUE if found_ is Lane.PANIC else found_


LANE = fuse.lane


def _unproved(patch: Patch) -> None:
    patch.setattr(Guard, "_answered", lambda *_args: False)
    patch.setattr(Way, "proved", lambda _self: False)


class _Instead:
    """A module in which some names are others."""

    def __init__(self, module: Any, **names: Any) -> None:  # noqa: ANN401 - any module
        self._module, self._names = module, names

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any member
        names = self.__dict__["_names"]
        return names[name] if name in names else getattr(self.__dict__["_module"], name)


def _sync_folders_only(handle: int) -> None:
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        os.fsync(handle)


class _Blind(Headers):
    """Headers whose Origin is always that of the page."""

    def getlist(self, key: str) -> list[str]:
        return [f"http://{self['host']}"] if key == "origin" else super().getlist(key)


def _waiting_panic(self: OscIntake, _now: float) -> list[Order]:
    count = min(len(self._presses), int(self._tokens))
    self._tokens -= count
    given, self._presses = self._presses[:count], self._presses[count:]
    return given


def _unlocked(patch: Patch) -> None:
    patch.setattr(files.Lock, "__enter__", lambda self: self)


def _no_pack_names(_file: Path, archive: zipfile.ZipFile) -> dict[str, int]:
    return {entry.filename: 1 << 30 for entry in archive.infolist()}


def _plain_number(data: bytes, pos: int, limit: int) -> tuple[int, int]:
    value = 0
    for after in range(pos + 1, min(pos + 5000, limit) + 1):
        value = value << 7 | data[after - 1] & 127
        if data[after - 1] < 0x80:
            return value, after
    return value, min(pos + 5000, limit)


def _deaf(path: Any, *_args: object) -> None:  # noqa: ANN401 - a descriptor
    return


PLANTED = [
    Planted("a second note-on releases the first", _set(Player, "_on", _release_nothing), overlapping),
    Planted("late note-ons are dropped", _set(player, "LATEST", math.inf), backlog),
    Planted("what waits for the port is bounded", _set(player, "MOST_PENDING", 1 << 30), crowd),
    Planted("a late note-off is sent", _drop_late_offs, late_off),
    Planted("a cut releases", _set(Player, "release", lambda _self: None), cut_releases),
    Planted("the death of the engine releases", _set(Player, "abandon", _abandon), engine_dies),
    Planted("what has been played is not played in a second version",
            _set(Player, "withdraw", lambda _self, _event: None), change_of_mind),
    Planted("a note is ended by whoever began it", _set(Player, "_off", _any_owner), own_note_off),
    Planted("invalid bytes are not passed on", _set(player, "fault", lambda _data: None), invalid_bytes),
    Planted("a pedal comes up with a cut", _set(Player, "_lift_pedals", lambda _self: None), pedal),
    Planted("a note is entered before it is sent", _set(Ledger, "add", lambda *_args: None), entered_first),
    Planted("forgotten entries leave the heap", _set(agenda, "MOST_DEAD", 1 << 30), forgets),
    Planted("note-offs pass a flood", _set(Fuse, "_note_off", lambda self, _data: self._spend(1)), flooded_offs),
    Planted("panic passes a flood", _set(fuse, "lane", _without_lane), flooded_panic),
    Planted("a flood is bounded", _set(Fuse, "_spend", lambda _self, _cost, _keep=0.0: True), flooded_bound),
    Planted("a flood of clock is bounded", _set(fuse, "CLOCK_RATE", 1e9), flooded_clock),
    Planted("a cable from Out to In is proved by a probe", _unproved, cable),
    Planted("a cable that passes notes only is proved by marks",
            _set(Way, "proved", lambda _self: False), cable_of_notes),
    Planted("echoes that were let in are released", _set(Guard, "releases", lambda _self: []), cable_releases),
    Planted("nothing that raises leaves the engine", _set(Engine, "_fault", _raise), stage_raises),
    Planted("a part that fails is silenced", _set(Part, "silence", lambda _self, _now: []), failing_part),
    Planted("hours of sleep are not decoded", _set(Walk, "_pass_over", lambda _self, _tick: None), slept),
    Planted("a phrase without end is answered", _set(capture.Capture, "full", property(lambda _self: False)), long_phrase),
    Planted("a clock that dies stops the music", _set(Follower, "advance", lambda _self, _now: None), dead_clock),
    Planted("a late first tick costs no note", _set(walk, "JUST", -0.25), first_note),
    Planted("states are finite", _set(State, "__post_init__", lambda _self: None), state_of_nan),
    Planted("weights are finite", _set(state, "np", _Instead(np, isfinite=np.ones_like)), weight_of_nan),
    Planted("a model is the one that its manifest names",
            _set(model, "_verified", lambda file, _sha256: file.read_bytes()), hash_of_model),
    Planted("a model plays its golden phrase", _set(Model, "check_golden", lambda _self: None), golden),
    Planted("a model has no operator that ours have not",
            _set(model, "OPERATORS", frozenset([*model.OPERATORS, "Sinh"])), operators),
    Planted("a phrase has an end", _set(decoder, "LONGEST", 1 << 30), longest),
    Planted("files are synced before they are renamed",
            _set(files, "os", _Instead(os, fsync=_sync_folders_only)), losses("save over another")),
    Planted("folders are synced", _set(files, "sync_folder", _deaf), losses("save")),
    Planted("the trash has it before it goes", _set(Shelf, "discard", careless), losses("delete")),
    Planted("one writer at a time", _unlocked, lost_update),
    Planted("unfinished files are swept", _set(shelves, "sweep", _deaf), unfinished),
    Planted("a giant is no preset", _set(record, "LARGEST_FILE", 1 << 40), giant_preset),
    Planted("fields of a preset are checked", _set(record, "_fault", lambda _record: ""), impossible_preset),
    Planted("a pack names no file outside", _set(pack, "_sizes", _no_pack_names), slipping_pack),
    Planted("events of a MIDI file are bounded", _set(chunks, "MAX_EVENTS", 1 << 40), midi_events),
    Planted("a number of a MIDI file has four bytes", _set(chunks, "_number", _plain_number), midi_length),
    Planted("titles are harmless", _set(midifile, "printable", lambda text, _length=80: text), hostile_title),
    Planted("a giant is no configuration", _set(config_file, "LARGEST_FILE", 1 << 40), giant_configuration),
    Planted("an end that takes nothing is given up", _set(wire, "MOST_WAITING", 1 << 40), stuffed_link),
    Planted("a dead session's notes are taken over", _set(session, "_take_over", lambda _root: []), left_sounding),
    Planted("restarts are limited", _set(nursery, "MOST_STARTS", 1 << 30), restarts),
    Planted("a frozen child is replaced",
            _set(nursery, "FROZEN", {"engine": math.inf, "player": math.inf, "page": math.inf}), frozen),
    Planted("a stranger's name is not this computer", _set(Gate, "_is_here", lambda _self, _host: True), rebinding),
    Planted("another page may not ask", _set(gate, "Headers", _Blind), other_origin),
    Planted("other computers need the token", _set(Gate, "is_token", lambda _self, _given: True), without_token),
    Planted("a browser's messages are bounded", _set(viewers.Bucket, "take", lambda _self, _now: True), crowded_page),
    Planted("wishes are finite", _set(messages, "math", _Instead(math, isfinite=lambda _number: True)), wish_of_nan),
    Planted("bundles are not nested without end", _set(packet, "DEEPEST", 1 << 30), deep_osc),
    Planted("OSC values are finite", _set(sys.modules["rnnae_live.osc.addresses"], "math", _Instead(math, isfinite=lambda _number: True)), osc_of_nan),
    Planted("an OSC panic does not wait", _set(OscIntake, "take", _waiting_panic), osc_panic),
]  # fmt: skip
"""Every protection that is taken out."""
