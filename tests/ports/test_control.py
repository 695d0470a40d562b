"""Controllers on real ports: each kind of control is moved, and the melody changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rnnae_live.control import Assignment, ControlMap, Way
from rnnae_live.control.sources import source
from rnnae_live.control.store import Controls, PortControls, save
from rnnae_live.control.takeover import Mode
from rnnae_live.live import wire
from rnnae_live.ports import Output, backend
from tests.ports.performer import Performer
from tests.ports.test_jack import Instrument

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

PORT = "Twister:knobs"
LOOP = ("--mode", "loop", "--follow", "0", "-p", "Greensleeves=1", "--set", "feel=0", "--control", "Twister")


@pytest.fixture
def controller() -> Iterator[Output]:
    system = backend("jack", "Twister")
    yield system.open_output("knobs")
    system.close()


def learned(home: Path, words: str, target: str, way: Way = Way.ABSOLUTE) -> None:
    """Write what ``rnnae-live learn`` writes."""
    one = Assignment(source(words), target, way)
    save(Controls((PortControls("Twister", ControlMap((one,)), Mode.JUMP, programs=True),)), home / "controls.json")


@pytest.mark.parametrize(
    ("words", "way", "messages"),
    [
        ("cc 16", Way.ABSOLUTE, [b"\xb0\x10\x7f"]),
        ("cc14 1", Way.ABSOLUTE, [b"\xb0\x01\x7f", b"\xb0\x21\x7f"]),
        ("nrpn 300", Way.ABSOLUTE, [b"\xb0\x63\x02", b"\xb0\x62\x2c", b"\xb0\x06\x7f", b"\xb0\x26\x7f"]),
        ("cc 17", Way.TWOS_COMPLEMENT, [b"\xb0\x11\x01"] * 3),
        ("cc 18", Way.BINARY_OFFSET, [b"\xb0\x12\x41"] * 3),
        ("bend", Way.ABSOLUTE, [b"\xe0\x7f\x7f"]),
        ("pressure", Way.ABSOLUTE, [b"\xd0\x7f"]),
    ],
)
def test_a_control_that_was_learned_moves_the_melody(
    tmp_path: Path, controller: Output, words: str, way: Way, messages: list[bytes]
) -> None:
    learned(tmp_path, words, "octave", way)
    instrument = Instrument(tmp_path, *LOOP)
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.until(lambda: len(performer.ons()) >= 2, 15)
            low = max(pitch for _, pitch, _ in performer.ons())
            for data in messages:
                controller.send(data)
            performer.until(lambda: performer.ons()[-1][1] > low + 7, 15)
    finally:
        instrument.stop()


def test_a_pad_stops_the_loop_and_a_program_change_puts_another_preset_in(tmp_path: Path, controller: Output) -> None:
    learned(tmp_path, "note 36", "stop")
    instrument = Instrument(tmp_path, *LOOP)
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.until(lambda: len(performer.ons()) >= 2, 15)
            controller.send(b"\xc0\x00")
            instrument.await_line("Slot 1 is")
            controller.send(b"\x90\x24\x7f")
            performer.until(lambda: not performer.sounding())
            count = len(performer.ons())
            performer.play([(0.0, b"\xb0\x07\x00"), (2.0, b"\xb0\x07\x01")])
            performer.until(lambda: len(performer.played) == 2)
            assert len(performer.ons()) <= count + 1
    finally:
        instrument.stop()


def test_a_controller_is_shown_what_somebody_else_turns(tmp_path: Path) -> None:
    one = Assignment(source("cc 16"), "octave", Way.ABSOLUTE)
    controls = PortControls("Twister", ControlMap((one,)), Mode.PICKUP, shows=True)
    save(Controls((controls,)), tmp_path / "controls.json")
    system = backend("jack", "Twister")
    shown: list[bytes] = []
    knobs = system.open_output("knobs")
    lamps = system.open_input(lambda _at, data: shown.append(data), "lamps")
    instrument = Instrument(tmp_path, *LOOP)
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.until(lambda: b"\xb0\x10\x40" in shown, 15)
            performer.play([(0.0, b"\xb0\x6e\x7f")])
            performer.until(lambda: b"\xb0\x10\x7f" in shown, 15)
            for port in (knobs, lamps):  # Pulled out, and plugged in again.
                port.close()
            performer.until(lambda: any("lamps' is gone" in line for line in instrument.lines), 15)
            del shown[:]
            system.open_output("knobs")
            system.open_input(lambda _at, data: shown.append(data), "lamps")
            performer.until(lambda: b"\xb0\x10\x7f" in shown, 15)
    finally:
        instrument.stop()
        system.close()


def test_a_remote_control_can_ask_for_a_lesson(tmp_path: Path, controller: Output) -> None:
    instrument = Instrument(tmp_path, *LOOP)
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.until(lambda: len(performer.ons()) >= 2, 15)
            front = wire.call(next((tmp_path / "run").glob("session-*")), "front", 5.0)
            front.send(*wire.pack_json(wire.Kind.DO, {"learn": "octave"}))
            values = iter(range(40, 120))

            def learned_by_turning() -> bool:
                controller.send(bytes((0xB0, 19, next(values))))
                time.sleep(0.05)
                return any(line.startswith("Learned: ") for line in instrument.lines)

            performer.until(learned_by_turning, 15)
            low = max(pitch for _, pitch, _ in performer.ons())

            def turned() -> bool:
                controller.send(b"\xb0\x13\x7f")
                return performer.ons()[-1][1] > low + 7

            performer.until(turned, 15)
            front.close()
    finally:
        instrument.stop()


def test_a_preset_brings_its_map_to_a_controller_and_another_takes_it_away(tmp_path: Path) -> None:
    own = PortControls("Twister", ControlMap((Assignment(source("cc 16"), "octave"),)), Mode.JUMP, shows=True)
    verse = replace(own, map=ControlMap((Assignment(source("cc 17"), "octave"),)))
    save(Controls((own,)).having(verse, "verse"), tmp_path / "controls.json")
    before = (tmp_path / "controls.json").read_bytes()
    for name, number in (("Verse", "100"), ("Plain", "101")):
        preset(tmp_path, "duplicate", "Greensleeves", "--name", name)
        preset(tmp_path, "program", name, number)
    preset(tmp_path, "scene", "Verse", "--mapping", "verse")
    system = backend("jack", "Twister")
    shown: list[bytes] = []
    knobs = system.open_output("knobs")
    system.open_input(lambda _at, data: shown.append(data), "lamps")
    instrument = Instrument(tmp_path, *LOOP)
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.until(lambda: b"\xb0\x10\x40" in shown and len(performer.ons()) >= 2, 15)
            low = max(pitch for _, pitch, _ in performer.ons())
            shown.clear()
            performer.play([(0.0, bytes((0xC0, 99)))])
            instrument.await_line("Your controls are now those of the map 'verse'.")
            # The knob that was the octave goes dark, the one that is it now shows it.
            performer.until(lambda: {b"\xb0\x10\x00", b"\xb0\x11\x40"} <= set(shown), 15)
            knobs.send(b"\xb0\x10\x7f")
            knobs.send(b"\xb0\x11\x7f")
            performer.until(lambda: performer.ons()[-1][1] > low + 7, 15)
            shown.clear()
            performer.play([(0.0, bytes((0xC0, 100)))])
            instrument.await_line("Your controls are your own again.")
            performer.until(lambda: {b"\xb0\x10\x7f", b"\xb0\x11\x00"} <= set(shown), 15)
            knobs.send(b"\xb0\x10\x40")
            performer.until(lambda: performer.ons()[-1][1] <= low, 15)
        assert (tmp_path / "controls.json").read_bytes() == before
    finally:
        instrument.stop()
        system.close()


def preset(home: Path, *words: str) -> None:
    """Change a preset as a performer does."""
    command = [sys.executable, "-m", "rnnae_live", "preset", *words]
    subprocess.run(command, env={**os.environ, "RNNAE_HOME": str(home)}, check=True, capture_output=True)


def test_what_is_learned_while_it_plays_is_known_at_once(tmp_path: Path, controller: Output) -> None:
    instrument = Instrument(tmp_path, *LOOP)
    try:
        instrument.await_ready()
        with Performer() as performer:
            performer.connect()
            performer.until(lambda: len(performer.ons()) >= 2, 15)
            low = max(pitch for _, pitch, _ in performer.ons())
            learned(tmp_path, "cc 16", "octave")
            assert json.loads((tmp_path / "controls.json").read_text())["ports"]

            def turned() -> bool:
                controller.send(b"\xb0\x10\x7f")
                return performer.ons()[-1][1] > low + 7

            performer.until(turned, 15)
    finally:
        instrument.stop()
