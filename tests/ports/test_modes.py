"""The instrument on real ports: a loop that is turned, somebody else's clock, thru, loops of cable, tape."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from rnnae_live import midifile
from tests.ports.performer import Performer
from tests.ports.test_jack import Instrument

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

LOOP = ("--mode", "loop", "--follow", "0", "-p", "Greensleeves=1", "-p", "Arirang=0", "--set", "feel=0")

PROBE = 36
"""Pitch of the notes that only ask whether they go through."""

Starts = Callable[..., tuple[Instrument, Performer]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starts]:
    """Start an instrument with options, and a performer who is connected to it."""
    made: list[tuple[Instrument, Performer]] = []

    def begin(*options: str) -> tuple[Instrument, Performer]:
        instrument = Instrument(tmp_path, *options)
        performer = Performer()
        made.append((instrument, performer))
        instrument.await_ready()
        performer.connect()
        return instrument, performer

    yield begin
    for instrument, performer in made:
        performer.client.deactivate()
        performer.client.close()
        instrument.stop()


def whole(performer: Performer) -> bool:
    """Whether no key was struck twice without coming up in between."""
    down: set[tuple[int, int]] = set()
    for _, data in performer.recorded:
        kind, key = data[0] & 0xF0, (data[0] & 0x0F, data[1])
        if kind == 0x90 and key in down:
            return False
        if kind == 0x90:
            down.add(key)
        elif kind == 0x80:
            down.discard(key)
    return True


def test_a_loop_that_is_turned_a_hundred_times_a_second_loses_nothing(start: Starts) -> None:
    instrument, performer = start(*LOOP)
    performer.until(lambda: len(performer.ons()) >= 3)
    performer.play([(step * 0.01, bytes((0xB0, 20 + step % 2, step * 7 % 128))) for step in range(400)])
    count = len(performer.ons())
    performer.until(lambda: len(performer.ons()) >= count + 8, 15)
    assert instrument.stop() == 0
    performer.until(lambda: not performer.sounding())
    assert whole(performer)


def test_a_loop_follows_somebody_elses_clock(start: Starts) -> None:
    _, performer = start(*LOOP, "--sync", "midi")
    tick = 60.0 / (100 * 24)
    begin = 48 * tick
    clock = [(number * tick, b"\xf8") for number in range(48 + 24 * 9)]
    performer.play(sorted([*clock, (begin - tick / 2, b"\xfa")]))
    performer.until(lambda: len(performer.ons()) >= 6, 15)
    started = next(at for at, data in performer.played if data == b"\xfa") + tick / 2
    first = performer.ons()[0][0]
    assert abs(first - started) <= 0.01 or first > started
    # Onsets lie on ticks of that clock, as exactly as the dummy server is punctual.
    off = [abs((at - started + tick / 2) % tick - tick / 2) for at, _, _ in performer.ons()[:6]]
    assert sorted(off)[len(off) // 2] <= 0.004
    performer.until(lambda: len(performer.played) == len(clock) + 1, 15)
    performer.play([(0.0, b"\xfc")])
    performer.until(lambda: not performer.sounding())


def await_thru(performer: Performer) -> None:
    """Wait until notes go through: the engine tells the player a moment after the ports are open."""

    def probed() -> bool:
        performer.play([(0.0, bytes((0x90, PROBE, 80))), (0.02, bytes((0x80, PROBE, 64)))])
        performer.until(lambda: len(performer.played) == 2)
        return any(pitch == PROBE for _, pitch, _ in performer.ons())

    performer.until(probed)
    performer.until(lambda: not performer.sounding())


def test_what_is_played_goes_through_and_is_let_go(start: Starts) -> None:
    _, performer = start("--thru", "notes", "--rest", "16")
    await_thru(performer)
    performer.play([(0.0, b"\x93\x40\x50"), (0.1, b"\x83\x40\x40"), (0.2, b"\xb3\x07\x20")])

    def through() -> list[int]:
        return [data[0] for _, data in performer.recorded if data[0] < 0xB0 and data[1] != PROBE]

    performer.until(lambda: len(through()) >= 2)
    assert through()[:2] == [0x93, 0x83]


def test_a_cable_from_out_to_in_is_cut_and_said(start: Starts) -> None:
    instrument, performer = start("--thru", "notes", "--rest", "16")
    await_thru(performer)
    client = performer.client
    out = client.get_ports("RNN-AE Live Out", is_midi=True, is_output=True)[0]
    into = client.get_ports("RNN-AE Live In", is_midi=True, is_input=True)[0]
    client.connect(out, into)
    performer.play([(step * 0.15, bytes((0x90 if step % 2 == 0 else 0x80, 60 + step // 2, 80))) for step in range(12)])
    instrument.await_line("leads back")
    performer.until(lambda: not performer.sounding(), 15)
    assert len(performer.recorded) < 400
    client.disconnect(out, into)
    instrument.await_line("no longer")


def test_a_captured_phrase_is_a_preset_of_the_next_session(start: Starts, tmp_path: Path) -> None:
    instrument, performer = start()
    phrase = [(step * 0.3, bytes((0x90 if step % 2 == 0 else 0x80, 60 + step, 80))) for step in range(8)]
    phrase = [(at, data if data[0] == 0x90 else bytes((0x80, data[1] - 1, 0))) for at, data in phrase]
    performer.play([*phrase, (2.6, b"\xb0\x55\x7f"), (3.0, b"\xb0\x56\x7f")])
    instrument.await_line("Saved as")
    saved = list((tmp_path / "songs").glob("captured*.json"))
    assert len(saved) == 1
    preset = json.loads(saved[0].read_text())
    assert preset["exact"]
    assert [note[2] for note in preset["notes"]] == [60, 62, 64, 66]


def test_a_session_is_on_tape(start: Starts) -> None:
    instrument, performer = start(*LOOP, "--record")
    performer.until(lambda: len(performer.ons()) >= 6, 15)
    performer.play([(0.0, b"\xb0\x15\x7f"), (0.05, b"\x90\x30\x40"), (0.4, b"\x80\x30\x40")])
    count = len(performer.ons())
    performer.until(lambda: len(performer.ons()) >= count + 4, 15)
    assert instrument.stop() == 0
    path = next(line for line in instrument.lines if line.startswith("Recorded: ")).removeprefix("Recorded: ")
    phrase = midifile.read(Path(path))
    tracks = {part.name: part.notes for part in phrase.parts}
    assert [note.pitch for note in tracks["In"]] == [0x30]
    out, heard = [note.pitch for note in tracks["Out"]], [pitch for _, pitch, _ in performer.ons()]
    # The tape begins before the performer listens, and ends after.
    assert any(out[at : at + len(heard)] == heard for at in range(len(out))), (out, heard)
    gaps = [(b.onset - a.onset) / phrase.ppq for a, b in pairwise(tracks["Out"])]
    assert min(gaps) > 0.05
