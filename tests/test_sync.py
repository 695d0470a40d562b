"""The whole engine on somebody else's clock, in virtual time: every note on its tick, whatever the clock does."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from rnnae_live.control import spec
from rnnae_live.errors import ConfigError
from rnnae_live.events import Cut
from rnnae_live.settings import PartSettings, Settings
from tests.virtual import BEGIN, Echo, Preset, Stage, line

pytestmark = pytest.mark.path

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"
SCALE = [60, 62, 64, 65, 67, 69, 71, 72]


class Synced(Stage):
    """A loop of eight quarter notes, on the clock of a master that is told what to do."""

    def __init__(self, mode: str = "loop", jitter: float = 0.0) -> None:
        values = {"mode": spec("mode").named(mode), "follow": 0.0}
        part = PartSettings(presets=(("Scale", 1.0),), values=values)
        super().__init__(Settings(sync="midi", parts=(part,)), Echo([Preset("Scale", line(*SCALE), 0)]))
        self._jitter, self._dice = jitter, random.Random(1)
        self.ticks: list[float] = []

    def tick(self, count: int, bpm: float) -> None:
        """Let ticks come; the time of each is kept as the master meant it."""
        for _ in range(count):
            ideal = self.now
            self.ticks.append(ideal)
            self.run(ideal + self._dice.uniform(0, self._jitter))
            self.hear(TICK)
            self.run(max(self.now, ideal + 60.0 / (bpm * 24)))

    def played(self) -> list[tuple[int, float]]:
        """Pitch of each note, and its moment minus that of the tick it belongs to (s)."""
        rows = []
        for at, data in self.sent:
            if data[0] & 0xF0 == 0x90:
                tick = min(self.ticks, key=lambda one: abs(one - at))
                rows.append((data[1], round(at - tick, 4)))
        return rows


def warm(stage: Synced, bpm: float = 120.0) -> None:
    stage.tick(48, bpm)
    stage.ticks.clear()


def test_nothing_plays_before_start_and_the_first_tick_after_it_is_beat_one() -> None:
    stage = Synced()
    warm(stage)
    assert not stage.sent
    stage.hear(START)
    stage.tick(8 * 24 * 2, 120.0)
    assert [pitch for pitch, _ in stage.played()][:16] == SCALE * 2
    assert max(abs(off) for _, off in stage.played()) <= 0.0006
    assert [round(at - stage.ticks[0], 2) for at, _, _ in ((at, 0, 0) for at, d in stage.sent if d[0] == 0x90)][:4] == [
        0.0, 0.5, 1.0, 1.5,
    ]  # fmt: skip


def test_jitter_of_the_clock_is_not_in_the_music() -> None:
    stage = Synced(jitter=0.004)
    warm(stage)
    stage.hear(START)
    stage.tick(8 * 24 * 4, 120.0)
    offs = [off for _, off in stage.played()][4:]
    mean = sum(offs) / len(offs)
    assert max(abs(off - mean) for off in offs) <= 0.0015


@pytest.mark.parametrize("jitter", [0.001, 0.002, 0.005])
@pytest.mark.parametrize("again", range(6))
def test_a_late_first_tick_does_not_cost_the_first_note(jitter: float, again: int) -> None:
    stage = Synced(jitter=jitter)
    stage.tick(48 + again, 120.0)
    stage.ticks.clear()
    stage.hear(START)
    stage.tick(4 * 24, 120.0)
    assert [pitch for pitch, _ in stage.played()][:4] == SCALE[:4]


@pytest.mark.parametrize("after", [180.0, 60.0, 121.0])
def test_another_tempo_is_followed_and_no_note_is_lost_or_doubled(after: float) -> None:
    stage = Synced()
    warm(stage)
    stage.hear(START)
    stage.tick(3 * 24 + 7, 120.0)
    stage.tick(8 * 24 * 3 - 3 * 24 - 8, after)
    stage.hear(STOP)
    pitches = [pitch for pitch, _ in stage.played()]
    assert pitches == SCALE * 3
    settled = [off for _, off in stage.played()][5:]
    assert max(abs(off) for off in settled) <= 0.003
    assert stage.whole()


def test_stop_silences_and_continue_goes_on_where_it_was() -> None:
    stage = Synced()
    warm(stage)
    stage.hear(START)
    stage.tick(2 * 24 + 12, 120.0)
    stage.hear(STOP)
    assert stage.whole()
    stage.run(stage.now + 1.0)
    stage.hear(CONTINUE)
    stage.tick(3 * 24, 120.0)
    stage.player.cut(Cut())
    assert [pitch for pitch, _ in stage.played()][:6] == SCALE[:6]
    assert stage.whole()


def test_song_position_says_where_the_song_is() -> None:
    stage = Synced()
    warm(stage)
    # Sixteen sixteenths are four beats: the second half of the scale.
    stage.hear(bytes((0xF2, 16, 0)))
    stage.hear(CONTINUE)
    stage.tick(5 * 24, 120.0)
    assert [pitch for pitch, _ in stage.played()][:5] == [*SCALE[4:], SCALE[0]]


def test_half_a_second_without_clock_is_bridged_on_the_right_tick() -> None:
    stage = Synced()
    warm(stage)
    stage.hear(START)
    stage.tick(4 * 24, 120.0)
    for _ in range(24):
        stage.ticks.append(stage.now)
        stage.run(stage.now + 60.0 / (120 * 24))
    stage.tick(4 * 24, 120.0)
    assert [pitch for pitch, _ in stage.played()][:8] == SCALE
    assert max(abs(off) for _, off in stage.played()[:8]) <= 0.002


def test_a_clock_that_dies_leaves_nothing_sounding() -> None:
    stage = Synced()
    warm(stage)
    stage.hear(START)
    stage.tick(2 * 24 + 5, 120.0)
    stage.run(stage.now + 3.0)
    assert stage.whole()
    assert not stage.engine.transport.running


def test_trading_follows_the_clock() -> None:
    values = {"mode": spec("mode").named("trade"), "turn": 1.0, "follow": 0.0}
    stage = Synced("trade")
    stage.engine.parts[0].desk.values.update(values)
    warm(stage)
    stage.hear(START)
    stage.tick(8 * 24 * 2, 120.0)
    # Four beats of the performer, four of the instrument.
    assert [pitch for pitch, _ in stage.played()] == SCALE[:4] * 2


def test_our_own_clock_is_sent_with_start_and_stop() -> None:
    values = {"mode": spec("mode").named("loop"), "follow": 0.0}
    part = PartSettings(presets=(("Up", 1.0),), values=values)
    stage = Stage(Settings(bpm=100.0, send_clock=True, parts=(part,)))
    stage.run(BEGIN + 3.0)
    stage.hear(b"\xb0\x77\x7f")
    stage.run(BEGIN + 3.5)
    clock = [(at, data) for at, data in stage.sent if data[0] >= 0xF8]
    started = next(at for at, data in clock if data == START)
    ticks = [at for at, data in clock if data == TICK and at >= started]
    assert ticks[0] == pytest.approx(stage.engine.transport.clock.time(0), abs=0.0011)
    assert [b - a for a, b in pairwise(ticks[:61])] == pytest.approx([0.025] * 60, abs=0.0002)
    assert [data for _, data in clock].count(STOP) == 1


def test_a_clock_that_is_followed_is_not_sent_back() -> None:
    with pytest.raises(ConfigError, match="not sent on"):
        Stage(Settings(sync="midi", send_clock=True))


def test_tapping_sets_the_tempo() -> None:
    stage = Stage()
    for _ in range(5):
        stage.hear(b"\xb0\x76\x7f")
        stage.run(stage.now + 0.4)
    assert stage.engine.transport.bpm == pytest.approx(150.0, abs=0.5)
    assert "150.0 bpm" in stage.notices[-1].text
