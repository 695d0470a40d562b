"""The instrument as a DAW meets it: a process of its own on a JACK server, played by another client."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("jack") is None:
    pytest.skip("JACK-Client is not installed (the [dev] extra)", allow_module_level=True)

from tests.ports.performer import Performer
from tests.ports.server import JackServer
from tests.processes import BOUND, child

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

BPM = 120
TICK = 60 / BPM / 24
BARS = (60, 62, 64, 65, 67, 65, 64, 62), (60, 64, 67, 72, 71, 67, 62, 60)
PITCHES = (*BARS[0], *BARS[1])


def phrase(pitches: Sequence[int] = PITCHES, velocity: int = 100) -> list[tuple[float, bytes]]:
    """Eighths, each a little detached."""
    beat = 60 / BPM
    messages: list[tuple[float, bytes]] = []
    for number, pitch in enumerate(pitches):
        at = number * beat / 2
        messages.append((at, bytes((0x90, pitch, velocity))))
        messages.append((at + beat * 0.45, bytes((0x80, pitch, 64))))
    return messages


def answered_at_once() -> list[tuple[float, bytes]]:
    """A bar, and "answer now" behind its last note."""
    messages = phrase(BARS[0])
    return [*messages, (messages[-1][0] + 0.002, bytes((0xB0, 85, 127)))]


class Instrument:
    """A running ``rnnae-live live``."""

    def __init__(self, home: Path, *options: str) -> None:
        live = [sys.executable, "-m", "rnnae_live", "live", "--backend", "jack", "--bpm", str(BPM)]
        self.home = home
        self.process = subprocess.Popen(
            [*BOUND, *live, *options], env={**os.environ, "RNNAE_HOME": str(home)}, stdout=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def await_ready(self) -> None:
        """Wait for the line that says that the ports are open."""
        self.await_line("ready")

    def await_line(self, words: str) -> None:
        """Wait for a line that holds some words."""
        deadline = time.monotonic() + 30
        while not any(words in line for line in self.lines):
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.005)

    def child(self, role: str) -> int:
        """The process id of the player or the engine."""
        return child(self.process.pid, role)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join(5)
            assert self.process.stdout is not None
            self.process.stdout.close()
            sys.stdout.write("\n".join(self.lines))  # A test that fails shows what the performer was told.


@pytest.fixture
def instrument(tmp_path: Path) -> Iterator[Instrument]:
    made = Instrument(tmp_path)
    try:
        made.await_ready()
        yield made
    finally:
        made.stop(signal.SIGKILL)


@pytest.fixture
def performer(instrument: Instrument) -> Iterator[Performer]:
    with Performer() as made:
        made.connect()
        yield made


def on_grid(performer: Performer, notes: list[tuple[float, int, int]]) -> None:
    """Assert that the onsets lie on the tempo's grid, as exactly as a JACK period allows.

    A message goes out at the start of a period after its moment: between 0 and 1 period late, and the receiver's own
    period starts late by as much as the machine is busy, for which another period is left. A tick has nearly 8 periods,
    so onsets that have nothing to do with the tempo would pass one by one in half of the cases at most.
    """
    tolerance = 2 * performer.period_seconds
    off = [(at - notes[0][0]) % TICK for at, _, _ in notes]
    late = [min(distance, TICK - distance) for distance in off]
    # The first onset may itself be late, and so may a wake-up of a busy machine: the grid is what most onsets say.
    assert sum(distance <= tolerance for distance in late) >= 0.9 * len(late), late


def in_mid_answer(performer: Performer) -> None:
    """Play a phrase, ask for the answer, and wait until it has begun and a note sounds."""
    count = len(performer.ons())
    performer.play(answered_at_once())
    performer.until(lambda: len(performer.ons()) >= count + 2 and bool(performer.sounding()), 20)


def test_a_phrase_and_a_rest_are_answered_in_tempo(performer: Performer) -> None:
    performer.play(phrase(velocity=101))
    performer.until(lambda: len(performer.ons()) >= 4 and not performer.sounding(), 15)
    time.sleep(5 * 60 / BPM)
    performer.until(lambda: not performer.sounding())
    notes = performer.ons()
    assert len(notes) >= 4
    assert notes[0][0] > performer.played[-1][0]
    assert {velocity for _, _, velocity in notes} == {101}


def test_without_the_performers_touch_the_answer_lies_on_the_grid(tmp_path: Path) -> None:
    instrument = Instrument(tmp_path, "--set", "feel=0")
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.play(answered_at_once())
            performer.until(lambda: len(performer.ons()) >= 4 and not performer.sounding(), 15)
            time.sleep(4 * 60 / BPM)
            performer.until(lambda: not performer.sounding())
            on_grid(performer, performer.ons())
    finally:
        instrument.stop()


def test_answer_now_is_answered_before_any_rest_has_passed(performer: Performer) -> None:
    performer.play(answered_at_once())
    performer.until(lambda: bool(performer.ons()))
    # A rest would take two beats, 1 s; what is asked for comes in a fraction of that even on a loaded machine.
    assert 0 <= performer.ons()[0][0] - performer.played[-1][0] < 0.5


def test_loud_and_soft_are_answered_as_they_were_played(performer: Performer) -> None:
    half = len(PITCHES)
    loud_then_soft = [
        (at, bytes((data[0], data[1], 120 if number < half else 40)) if data[0] == 0x90 else data)
        for number, (at, data) in enumerate(phrase())
    ]
    performer.play([*loud_then_soft, (loud_then_soft[-1][0] + 0.002, bytes((0xB0, 85, 127)))])
    performer.until(lambda: {velocity for _, _, velocity in performer.ons()} == {120, 40}, 40)
    velocities = [velocity for _, _, velocity in performer.ons()]
    assert velocities == sorted(velocities, reverse=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_mid_answer_releases_every_note_and_leaves_with_0(
    instrument: Instrument, performer: Performer, number: int
) -> None:
    in_mid_answer(performer)
    asked = time.monotonic()
    assert instrument.stop(number) == 0
    assert time.monotonic() - asked < 2.0
    performer.until(lambda: not performer.sounding(), 1)
    assert not list(instrument.home.glob("run/session-*"))


def test_an_engine_that_is_killed_leaves_no_note_and_comes_back(instrument: Instrument, performer: Performer) -> None:
    in_mid_answer(performer)
    engine = instrument.child("engine")
    at = time.monotonic()
    os.kill(engine, signal.SIGKILL)
    performer.until(lambda: not performer.sounding(), 2)
    # The goal is 20 ms; twice that is left for a machine that is busy with something else.
    assert performer.recorded[-1][0] - at <= 0.04 + 2 * performer.period_seconds
    instrument.await_line("engine plays again")
    in_mid_answer(performer)


def test_a_player_that_is_killed_is_replaced_by_one_that_releases(instrument: Instrument, performer: Performer) -> None:
    in_mid_answer(performer)
    sounding = performer.sounding()
    os.kill(instrument.child("player"), signal.SIGKILL)
    # A synchronous server stands still for a client that was killed, ten times its client timeout.
    instrument.await_line("player plays again")
    assert performer.sounding() == sounding
    performer.until(lambda: performer.try_connect() and not performer.sounding(), 5)
    in_mid_answer(performer)


def test_a_player_that_freezes_is_noticed_and_replaced(instrument: Instrument, performer: Performer) -> None:
    frozen = instrument.child("player")
    at = time.monotonic()
    os.kill(frozen, signal.SIGSTOP)
    instrument.await_line("does not answer")
    assert time.monotonic() - at < 1.0
    instrument.await_line("player plays again")
    performer.connect()
    in_mid_answer(performer)
    assert instrument.child("player") != frozen


def test_when_everything_was_killed_the_next_start_releases(instrument: Instrument, performer: Performer) -> None:
    in_mid_answer(performer)
    children = [instrument.child("player"), instrument.child("engine")]
    instrument.process.send_signal(signal.SIGSTOP)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    instrument.stop(signal.SIGKILL)
    assert performer.sounding()
    second = Instrument(instrument.home)
    try:
        performer.until(lambda: performer.try_connect() and not performer.sounding(), 20)
        second.await_ready()
    finally:
        status = second.stop()
    assert status == 0
    assert any("last session" in line for line in second.lines)
    assert not list(instrument.home.glob("run/session-*"))


def test_a_server_that_dies_and_comes_back_is_joined_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"second{os.getpid()}")
    server = JackServer(tmp_path / "jackd.log")
    instrument = Instrument(tmp_path)
    try:
        instrument.await_ready()
        server.stop(signal.SIGKILL)
        instrument.await_line("MIDI system is gone")
        server = JackServer(tmp_path / "jackd.log")
        instrument.await_line("player plays again")
        # In a process of its own: libjack knows one server in the life of a process.
        played = "from tests.ports import performer; performer.play_and_hear()"
        subprocess.run([sys.executable, "-c", played], timeout=60, check=True)
        assert instrument.stop() == 0
    finally:
        if instrument.process.poll() is None:
            instrument.stop(signal.SIGKILL)
        server.stop()


def test_named_ports_are_connected_by_the_instrument_itself(tmp_path: Path) -> None:
    with Performer() as performer:
        instrument = Instrument(tmp_path, "--in", "performer:to", "--out", "performer:from")
        try:
            instrument.await_ready()
            in_mid_answer(performer)
            assert instrument.stop() == 0
            performer.until(lambda: not performer.sounding(), 1)
        finally:
            if instrument.process.poll() is None:
                instrument.stop(signal.SIGKILL)


def test_a_port_that_does_not_exist_ends_it_with_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rnnae_live", "live", "--backend", "jack", "--in", "nanoKONTROL"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "There is no MIDI port 'nanoKONTROL'. There are: " in done.stderr


def test_panic_is_heard_at_once(instrument: Instrument, performer: Performer) -> None:
    in_mid_answer(performer)
    performer.play([(0.0, bytes((0xB0, 123, 0)))])
    performer.until(lambda: any(data[0] == 0xB0 and data[1] == 120 for _, data in performer.recorded))
    assert not performer.sounding()
    count = len(performer.ons())
    time.sleep(60 / BPM)
    assert len(performer.ons()) == count
