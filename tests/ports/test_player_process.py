"""The player's process on a JACK server, with a front and an engine that are this test."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("jack") is None:
    pytest.skip("JACK-Client is not installed", allow_module_level=True)

from rnnae_live import events
from rnnae_live.events import (
    ALL_SOUND_OFF,
    CONTROL_CHANGE,
    KEY_PRESSURE,
    NOTE_OFF,
    DueNote,
    Output,
    Withdraw,
    note_off,
    note_on,
    silence,
)
from rnnae_live.ledger import Ledger
from rnnae_live.live import wire
from rnnae_live.live.session import LEDGER
from rnnae_live.live.wire import Frame, Kind, Link, Listener, call
from rnnae_live.ports import Input
from rnnae_live.ports import Output as OutPort
from rnnae_live.ports.jack import Jack
from tests.processes import BOUND

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

PROBE = [bytes((0xB0, number, value)) for number in (98, 99, 100, 101) for value in range(128)]
"""What the player sends to find out whether Out leads to In, when what comes in is what it has just sent."""

OPTIONS: dict[str, object] = {
    "backend": "jack",
    "sources": [],
    "destinations": [],
    "control": None,
    "again": False,
    "thru": "off",
}


class Front:
    """Starts the player as the front does, answers nothing, and writes down what it says."""

    def __init__(self, folder: Path, program: str = "player", **options: object) -> None:
        self.folder = folder
        self._engines: list[Engine] = []
        self._listener = Listener(folder, "front")
        command = [*BOUND, sys.executable, "-m", f"rnnae_live.live.{program}", str(folder)]
        self.process = subprocess.Popen(command)
        deadline = time.monotonic() + 20
        link = None
        while link is None:
            assert time.monotonic() < deadline
            link = self._listener.accept()
        self.link: Link = link
        self.said: list[Frame] = []
        self.await_frame(Kind.HELLO)
        link.send(*wire.pack_json(Kind.HELLO, {**OPTIONS, **options}))
        self.ready = wire.unpack_json(self.await_frame(Kind.READY)[1])

    def await_frame(self, kind: Kind, words: str = "", seconds: float = 20.0) -> Frame:
        """Return the next frame of a kind that holds some words, and forget it."""
        deadline = time.monotonic() + seconds
        while True:
            for frame in self.said:
                if frame[0] is kind and words in frame[1].decode(errors="replace"):
                    self.said.remove(frame)
                    return frame
            assert time.monotonic() < deadline, self.said
            if select.select([self.link], [], [], 0.1)[0]:
                self.said += self.link.receive()

    def status(self) -> dict[str, Any]:
        self.link.send(Kind.PING)
        return wire.unpack_json(self.await_frame(Kind.PONG)[1])

    def engine(self) -> Engine:
        self._engines.append(Engine(call(self.folder, "player", 5)))
        return self._engines[-1]

    def stop(self) -> int:
        self.link.send(Kind.STOP)
        return self.process.wait(10)

    def close(self) -> None:
        """End whatever is left."""
        self.process.kill()
        self.process.wait()
        self._listener.close()
        for link in (self.link, *(engine.link for engine in self._engines)):
            link.close()


class Engine:
    """Talks to the player as the engine does."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.heard: list[tuple[float, bytes, int]] = []

    def put(self, *outputs: Output) -> None:
        self.link.send_frames([wire.pack_output(output) for output in outputs])

    def await_input(self, data: bytes) -> tuple[float, bytes, int]:
        """Return the next message that came in and is this one."""
        deadline = time.monotonic() + 10
        while True:
            for one in self.heard:
                if one[1] == data:
                    self.heard.remove(one)
                    return one
            assert time.monotonic() < deadline, self.heard
            if select.select([self.link], [], [], 0.1)[0]:
                self.heard += [wire.unpack_input(data) for kind, data in self.link.receive() if kind is Kind.INPUT]


class Other:
    """Another program: a hand that plays and an ear that writes down."""

    def __init__(self) -> None:
        self.jack = Jack(f"other {os.getpid()}")
        self.heard: list[tuple[float, bytes]] = []
        self.appear()

    def appear(self, hand: tuple[str, ...] = (), ear: tuple[str, ...] = ()) -> None:
        self.hand: OutPort = self.jack.open_output("hand", *hand)
        self.ear: Input = self.jack.open_input(lambda at, data: self.heard.append((at, data)), "ear", *ear)

    def connect(self) -> None:
        """Connect to the player's own ports."""
        self.hand.close()
        self.ear.close()
        self.appear(("RNN-AE Live In",), ("RNN-AE Live Out",))

    def ear_name(self) -> str:
        return next(name for name in self.jack.destinations() if name.endswith(":ear"))

    def vanish(self) -> None:
        self.hand.close()
        self.ear.close()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, self.heard
            time.sleep(0.005)

    def messages(self) -> list[bytes]:
        return [data for _, data in self.heard]

    def once(self) -> list[bytes]:
        """What was heard, but for what was said again because the server had lost a period."""
        heard: list[bytes] = []
        last: dict[tuple[int, ...], bytes] = {}
        for data in self.messages():
            key = (data[0] & (0xEF if data[0] < KEY_PRESSURE else 0xFF), data[1])
            if data[0] & 0xF0 not in (NOTE_OFF, CONTROL_CHANGE) or last.get(key) != data:
                heard.append(data)
            last[key] = data
        return heard


@pytest.fixture
def other() -> Iterator[Other]:
    made = Other()
    yield made
    made.jack.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Front]]:
    started: list[Front] = []

    def _start(program: str = "player", **options: object) -> Front:
        started.append(Front(tmp_path, program, **options))
        return started[-1]

    yield _start
    for front in started:
        front.close()


def test_it_says_what_it_was_granted_and_how_late_it_was(start: Callable[..., Front], other: Other) -> None:
    front = start()
    assert front.ready["backend"] == "jack"
    assert front.ready["timed"] is True
    assert front.ready["ahead"] > 0
    assert isinstance(front.ready["real_time"], bool)
    assert isinstance(front.ready["locked"], bool)
    other.connect()
    engine = front.engine()
    at = time.monotonic() + 0.2
    engine.put(*(DueNote(at + n * 0.01, at + n * 0.01 + 0.005, 0, 40 + n, 80) for n in range(20)))
    other.until(lambda: len(other.once()) == 40)
    status = front.status()
    assert status["sent"] == 40
    assert sum(status["late_buckets"]) == 40
    assert status["pending"] == status["dropped"] == status["superseded"] == 0
    assert front.stop() == 0


def test_a_change_of_mind_is_heard_as_it_was_meant(start: Callable[..., Front], other: Other) -> None:
    front = start()
    other.connect()
    engine = front.engine()
    at = time.monotonic() + 0.5
    engine.put(DueNote(at, at + 0.3, 0, 60, 80, 2), DueNote(at + 0.1, at + 0.3, 0, 62, 80, 2))
    engine.put(Withdraw(2, at + 0.05, at + 0.2), DueNote(at + 0.1, at + 0.15, 0, 64, 80, 2))
    other.until(lambda: len(other.once()) == 4)
    assert other.once() == [note_on(0, 60, 80), note_on(0, 64, 80), note_off(0, 64), note_off(0, 60)]
    assert front.stop() == 0


def test_it_plays_through_without_an_engine_and_through_the_death_of_one(
    start: Callable[..., Front], other: Other
) -> None:
    front = start(thru="notes")
    other.connect()
    other.hand.send(note_on(0, 60, 99))
    other.until(lambda: other.once() == [note_on(0, 60, 99)])
    engine = front.engine()
    engine.put(DueNote(0.0, 1e9, 0, 50, 80))
    engine.put(DueNote(time.monotonic(), 1e9, 0, 72, 80))
    other.until(lambda: note_on(0, 72, 80) in other.once())
    engine.link.close()
    other.until(lambda: note_off(0, 72) in other.once())
    assert note_off(0, 60) not in other.once()
    other.hand.send(note_off(0, 60))
    other.until(lambda: other.once()[-1] == note_off(0, 60))
    assert front.status()["dropped"] == 1
    assert front.stop() == 0


def test_left_alone_it_plays_everything_through_until_an_engine_comes(
    start: Callable[..., Front], other: Other
) -> None:
    front = start()
    other.connect()
    engine = front.engine()
    engine.put(DueNote(time.monotonic(), 1e9, 0, 72, 80))
    other.until(lambda: other.once() == [note_on(0, 72, 80)])
    # The front may say so before the end of the engine is noticed.
    front.link.send(Kind.ALONE)
    other.until(lambda: other.once()[-1] == note_off(0, 72))
    pedal_down, pedal_up = b"\xb2\x40\x7f", b"\xb2\x40\x00"
    phrase = [note_on(2, 60, 99), pedal_down, note_off(2, 60), b"\xe2\x00\x50", note_on(2, 64, 70)]
    for data in phrase:
        other.hand.send(data)
    other.until(lambda: [data for data in other.once()[2:] if data not in PROBE] == phrase)
    again = front.engine()
    # What would stay, stays not: the pedal comes up at once, the key with its own release.
    other.until(lambda: other.once()[-1] == pedal_up)
    other.hand.send(note_on(2, 66, 70))
    other.hand.send(note_off(2, 64))
    other.until(lambda: other.once()[-1] == note_off(2, 64))
    again.await_input(note_on(2, 66, 70))
    assert note_on(2, 60, 99) not in [data for _, data, _ in again.heard]
    assert note_on(2, 66, 70) not in other.once()
    assert front.stop() == 0


def test_left_alone_a_panic_silences_all(start: Callable[..., Front], other: Other) -> None:
    front = start(alone=True)
    other.connect()
    other.hand.send(note_on(0, 60, 99))
    other.until(lambda: other.once() == [note_on(0, 60, 99)])
    other.hand.send(bytes((0xB0, ALL_SOUND_OFF, 0)))
    other.until(lambda: note_off(0, 60) in other.once() and set(silence()) <= set(other.once()))
    other.hand.send(note_on(0, 62, 99))
    other.until(lambda: other.once()[-1] == note_on(0, 62, 99))
    front.link.send(Kind.CUT, b"\1")
    other.until(lambda: note_off(0, 62) in other.once())
    assert front.stop() == 0


def test_one_that_only_releases_lets_go_of_what_the_ledger_names_and_leaves(tmp_path: Path, other: Other) -> None:
    ledger = Ledger.open(tmp_path / LEDGER)
    ledger.add(3, 61, 90)
    front = Front(tmp_path, program="release", destinations=[other.ear_name()], again=True)
    try:
        other.until(lambda: other.messages()[:2] == [note_off(3, 61)] * 2)
        assert list(ledger) == []
        assert front.process.wait(20) == 0
        assert set(other.messages()) == {note_off(3, 61)}
    finally:
        front.close()


def test_one_that_has_nothing_to_release_leaves_at_once(tmp_path: Path) -> None:
    front = Front(tmp_path, program="release")
    assert front.process.wait(20) == 0
    front.close()


def test_what_comes_in_has_its_time_and_its_port(start: Callable[..., Front], other: Other) -> None:
    knobs = other.jack.open_output("knobs")
    front = start(sources=["hand"], control="knobs")
    engine = front.engine()
    before = time.monotonic()
    other.hand.send(note_on(3, 60, 99))
    at, _, kind = engine.await_input(note_on(3, 60, 99))
    assert before - 0.1 < at < time.monotonic() + 0.1
    assert kind == events.PLAYED
    knobs.send(b"\xb0\x14\x40")
    assert engine.await_input(b"\xb0\x14\x40")[2] == events.CONTROL
    assert front.stop() == 0


def test_a_port_that_goes_and_comes_back_is_told_of_and_joined(start: Callable[..., Front], other: Other) -> None:
    front = start(sources=["hand"], destinations=["ear"])
    engine = front.engine()
    other.hand.send(note_on(0, 60, 99))
    engine.await_input(note_on(0, 60, 99))
    engine.put(DueNote(time.monotonic(), time.monotonic() + 0.3, 0, 72, 80))
    other.until(lambda: note_on(0, 72, 80) in other.once())
    other.vanish()
    front.await_frame(Kind.NOTICE, ":hand' is gone.")
    front.await_frame(Kind.NOTICE, ":ear' is gone.")
    # The key that was down when it went is let go of.
    engine.await_input(note_off(0, 60))
    engine.put(DueNote(time.monotonic(), time.monotonic(), 0, 80, 80))
    time.sleep(0.4)
    other.heard.clear()
    other.appear()
    front.await_frame(Kind.NOTICE, ":hand' is back.", 5)
    front.await_frame(Kind.NOTICE, ":ear' is back.", 5)
    # What sounded there is ended once more; what was played meanwhile is not played again.
    other.until(lambda: other.once() == [note_off(0, 72)])
    other.hand.send(note_on(0, 61, 99))
    engine.await_input(note_on(0, 61, 99))
    assert front.stop() == 0


def test_a_player_that_takes_over_opens_without_a_port_that_is_missing(
    start: Callable[..., Front], other: Other
) -> None:
    other.vanish()
    front = start(destinations=["ear"], again=True)
    front.await_frame(Kind.NOTICE, "'ear' is not there")
    other.appear()
    front.await_frame(Kind.NOTICE, ":ear' is back.")
    engine = front.engine()
    engine.put(DueNote(time.monotonic(), time.monotonic(), 0, 60, 80))
    other.until(lambda: other.once() == [note_on(0, 60, 80), note_off(0, 60)])
    assert front.stop() == 0
