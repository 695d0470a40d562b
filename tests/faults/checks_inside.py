"""Checks that a planted fault has to fail: player, doorkeeper, engine, model. In virtual time, each in a moment."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnae_live import agenda, capture, decoder, fuse
from rnnae_live.errors import ModelError
from rnnae_live.events import Cut, Due, DueNote, NoteOn, Withdraw, note_off, note_on
from rnnae_live.fuse import Fuse, Lane
from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES, Model
from rnnae_live.player import Player
from rnnae_live.presets import factory
from rnnae_live.state import Link, State, mix
from rnnae_live.walk import Walk
from tests import test_walk
from tests.faults.real import Real, dense, voices
from tests.manifests import sealed
from tests.test_feedback import Stage as Cable
from tests.test_feedback import Wire, melody, notes, sounding
from tests.test_sync import START, Synced, warm
from tests.virtual import Echo
from tests.virtual import Stage as Virtual

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
    assert stage.engine.counts.faults > 0


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


def slept_for_days(_: Path) -> None:
    test_walk.test_a_sleep_of_days_is_passed_over_at_once_and_ends_in_the_right_place(3.0)


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
    content[MANIFEST] = sealed(manifest)


def changed_manifest(folder: Path) -> None:
    def spoil(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        manifest["state_mean"][0] += 0.5
        content[MANIFEST] = json.dumps(manifest).encode()

    with pytest.raises(ModelError):
        Model.load(bundle(folder, spoil))


def golden(folder: Path) -> None:
    def spoil(content: dict[str, bytes]) -> None:
        manifest = json.loads(content[MANIFEST])
        manifest["golden"]["state"][0] += 0.5
        content[MANIFEST] = sealed(manifest)

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
        decoder.decode(one, [Link(one.mean, 24 * 4 * 64 + 1)])
