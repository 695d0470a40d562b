"""JACK gets each message at the frame of its moment: by the server's own count of frames, however late anybody was."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import pytest

if find_spec("jack") is None:
    pytest.skip("JACK-Client is not installed", allow_module_level=True)

from rnnae_live.events import DueNote
from rnnae_live.player import LATEST, Player
from rnnae_live.ports import ladder
from rnnae_live.ports.jack import Jack
from rnnae_live.ports.jackclock import CycleTimes

pytestmark = [pytest.mark.ports, pytest.mark.usefixtures("jack_server")]

NOTES = 200
STEP = 0.0123


@dataclass
class Logged:
    """The times of each cycle as the driver uses them, with the server's number of its first frame."""

    client: Any
    times: CycleTimes
    cycles: list[tuple[float, float, int]] = field(default_factory=list)

    def cycle(self, frames: int) -> tuple[float, float]:
        begin, end = self.times.cycle(frames)
        self.cycles.append((begin, end, self.client.last_frame_time))
        return begin, end


@dataclass
class Frames:
    """Counts frames and knows no time: what arrives is stamped with the number of its frame."""

    client: Any

    def cycle(self, frames: int) -> tuple[float, float]:
        first = float(self.client.last_frame_time)
        return first, first + frames


def expected(due: float, cycles: list[tuple[float, float, int]], period: int) -> tuple[float, float]:
    """The frame for a moment, and how late that is: in the first cycle that ends after it, its first if overdue."""
    place = next(number for number, (_, end, _) in enumerate(cycles) if end > due)
    begin, end, first = cycles[place]
    return first + max(0.0, (due - begin) / (end - begin) * period), max(0.0, begin - due)


def test_every_note_of_a_grid_is_heard_at_its_frame() -> None:
    ours, theirs = Jack(), Jack("receiver")
    period = ours._client.blocksize
    logged = Logged(ours._client, ours._times)
    heard: list[tuple[float, bytes]] = []
    player = Player()
    start = time.monotonic() + 0.3
    due = {(n % 128, 1 + n // 128): start + n * STEP for n in range(NOTES)}
    for (pitch, velocity), at in due.items():
        player.add(DueNote(at, at + STEP / 2, 0, pitch, velocity))
    try:
        ours._times = logged  # type: ignore[assignment]
        theirs._times = Frames(theirs._client)  # type: ignore[assignment]
        ours.open_output().drive(player.drive)
        theirs.open_input(lambda frame, data: heard.append((frame, data)), "ear", "RNN-AE Live Out")
        while player.pending or not logged.cycles or logged.cycles[-1][1] < start + NOTES * STEP + 0.1:
            time.sleep(0.01)
    finally:
        ours.close()
        theirs.close()
    ons = {(data[1], data[2]): frame for frame, data in heard if data[0] == 0x90}
    assert not ours.faults
    assert len(ons) + player.dropped == NOTES
    for note, at in due.items():
        frame, late = expected(at, logged.cycles, period)
        if late <= LATEST:
            assert abs(ons[note] - frame) <= 1
        else:
            assert note not in ons


def test_a_message_comes_with_the_moment_of_its_frame() -> None:
    ours, theirs = Jack(), Jack("sender")
    moments: list[float] = []
    player = Player()
    start = time.monotonic() + 0.3
    due = [start + n * STEP for n in range(50)]
    for n, at in enumerate(due):
        player.add(DueNote(at, at + STEP / 2, 0, n, 80))
    logged = Logged(theirs._client, theirs._times)
    heard = Logged(ours._client, ours._times)
    try:
        theirs._times, ours._times = logged, heard  # type: ignore[assignment]
        ours.open_input(lambda at, data: moments.append(at) if data[0] == 0x90 else None)
        theirs.open_output("hand", "RNN-AE Live In").drive(player.drive)
        # Until both have been called for what lies behind the last message.
        while player.pending or any(not one.cycles or one.cycles[-1][0] < due[-1] + 0.1 for one in (logged, heard)):
            time.sleep(0.01)
    finally:
        ours.close()
        theirs.close()
    played = [one for one in (expected(at, logged.cycles, 1) for at in due) if one[1] <= LATEST]
    assert len(moments) == len(played) > 0
    for at in moments:
        begin, end, _ = next(one for one in reversed(heard.cycles) if one[0] <= at + 1e-6)
        assert begin - 1e-6 <= at <= end + 1e-6
    assert moments == sorted(moments)


def test_without_the_package_python_rtmidi_serves_jack_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> object:
        if name == "rnnae_live.ports.jack":
            raise OSError("JACK library not found")
        return importlib.import_module(name)

    monkeypatch.setattr(ladder, "import_module", without)
    choice = ladder.choose("jack")
    assert choice.backend.name == "jack"
    assert "python-rtmidi" in choice.why
    assert "JACK library not found" in choice.why
    out = choice.backend.open_output()
    assert not out.drive(lambda begin, end, send: None)
    choice.backend.close()
