"""A walk along pieces: handed over in time, tied, changed, retimed, entered in the middle, halted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from rnnae_live.clock import Clock
from rnnae_live.events import DueNote, Output, Retime, Withdraw
from rnnae_live.feel import Played
from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.walk import HORIZON, LEAD, Walk

pytestmark = pytest.mark.unit

CLOCK = Clock(120.0, 10.0)
BEAT = 0.5


def piece(*pitches: int, tied: bool = False) -> Melody:
    return Melody(tuple(Note(24 * n, 24, pitch) for n, pitch in enumerate(pitches)), 24 * len(pitches), tied=tied)


@dataclass
class Pieces:
    """Pieces that are played as they stand."""

    melodies: list[Melody]
    ties: list[int | None] = field(default_factory=list)
    asked_lengths: int = 0

    def piece(self, at: int, tie: int | None) -> Melody:
        self.ties.append(tie)
        return self.melodies[at % len(self.melodies)]

    def play(self, melody: Melody, at: int, start: float) -> Sequence[Played]:
        return [Played(start + n.onset, start + n.end, n.pitch, n.velocity) for n in melody.notes]

    def length(self, at: int) -> int:
        self.asked_lengths += 1
        return self.melodies[at % len(self.melodies)].length

    def cycle(self) -> int:
        return len(self.melodies)


def through(walk: Walk, until: float, clock: Clock = CLOCK) -> list[Output]:
    out: list[Output] = []
    now = 9.0
    while now < until:
        out += walk.advance(clock, now)
        wake = walk.wake(clock)
        now = until if wake is None else max(now, min(wake, until))
        if wake is not None and wake <= now and walk.finished(now):
            break
    return out


def notes(out: Sequence[Output]) -> list[tuple[float, int]]:
    return [(round(one.at, 4), one.pitch) for one in out if isinstance(one, DueNote)]


def test_notes_are_handed_over_a_horizon_ahead_and_pieces_follow_each_other() -> None:
    walk = Walk(Pieces([piece(60, 62), piece(64, 65)]), start=0.0, count=3)
    assert walk.wake(CLOCK) == pytest.approx(10.0 - HORIZON)
    assert walk.advance(CLOCK, 10.0 - HORIZON - 0.001) == []
    assert notes(walk.advance(CLOCK, 10.0 - HORIZON)) == [(10.0, 60)]
    assert walk.ends_at(CLOCK) == pytest.approx(13.0)
    rest = through(walk, 14.0)
    assert notes(rest) == [(10.5, 62), (11.0, 64), (11.5, 65), (12.0, 60), (12.5, 62)]
    assert walk.finished(13.0)


def test_a_tie_makes_the_note_before_it_longer() -> None:
    pieces = Pieces([piece(60, 62), piece(62, 65, tied=True)])
    out = through(Walk(pieces, start=0.0, count=2), 14.0)
    assert notes(out) == [(10.0, 60), (10.5, 62), (11.5, 65)]
    assert [(one.pitch, one.until) for one in out if isinstance(one, Retime)] == [(62, 11.5)]
    assert pieces.ties == [None, 62]


def test_a_change_takes_back_what_has_not_begun() -> None:
    pieces = Pieces([piece(60, 62, 64, 65)])
    walk = Walk(pieces, start=0.0, count=1)
    now = 10.0 + BEAT - 0.05
    walk.advance(CLOCK, 10.0 - HORIZON)
    walk.advance(CLOCK, now)
    pieces.melodies = [piece(70, 72, 74, 75)]
    out = walk.change(CLOCK, now, CLOCK.tick(now + LEAD))
    withdrawn = out[0]
    assert isinstance(withdrawn, Withdraw)
    assert withdrawn.after <= now + LEAD
    assert withdrawn.until == pytest.approx(10.5)
    assert notes(out) == [(10.5, 72)]
    assert [note.pitch for note in walk.notes] == [60, 72, 74, 75]


def test_a_line_that_moves_takes_its_notes_along() -> None:
    walk = Walk(Pieces([piece(60, 62)]), start=0.0, count=1)
    walk.advance(CLOCK, 10.0)
    walk.advance(CLOCK, 10.45)
    later = replace(CLOCK, origin=10.03)
    out = walk.retime(later, 10.45)
    assert isinstance(out[0], Withdraw)
    assert notes(out) == [(10.53, 62)]
    assert [round(one.until, 4) for one in out if isinstance(one, Retime)] == [10.53]


def test_it_can_be_entered_in_the_middle_and_halted_on_a_line() -> None:
    walk = Walk(Pieces([piece(60, 62), piece(64, 65)]), start=0.0)
    walk.enter(72.0)
    out = through(walk, 12.0)
    assert notes(out)[0] == (11.5, 65)
    halted = Walk(Pieces([piece(60, 62, 64, 65)]), start=0.0)
    halted.advance(CLOCK, 10.0)
    halted.advance(CLOCK, 10.95)
    out = halted.halt(CLOCK, 48.0)
    assert [(round(one.after, 3), round(one.until, 3)) for one in out if isinstance(one, Withdraw)] == [(11.0, 11.0)]
    assert notes(through(halted, 20.0)) == []
    assert halted.over


def test_what_is_dropped_is_released_at_once() -> None:
    walk = Walk(Pieces([piece(60, 62)]), start=0.0)
    walk.advance(CLOCK, 10.0)
    assert walk.drop(10.2) == [Withdraw(0, 10.2, 10.2)]
    assert walk.over
    assert walk.advance(CLOCK, 10.4) == []


@pytest.mark.parametrize("days", [1 / 24, 3, 300])
def test_a_sleep_of_days_is_passed_over_at_once_and_ends_in_the_right_place(days: float) -> None:
    pieces = Pieces([piece(60, 62), piece(64, 65, 67), piece(69)])
    walk = Walk(pieces, start=0.0)
    walk.advance(CLOCK, 10.0)
    slept_to = 10.0 + days * 86400.0 + 0.75
    pieces.asked_lengths = 0
    out = walk.advance(CLOCK, slept_to)
    assert pieces.asked_lengths < 30
    # A round is six beats; whatever number of them has passed, what plays is what would have played without the sleep.
    beat = int((slept_to - 10.0) / BEAT)
    assert walk.start <= 24 * beat < walk.start + walk.length
    assert walk.at % 3 == (0, 0, 1, 1, 1, 2)[beat % 6]
    # Only the piece that was cut short by the sleep still has a note to hand over, which the player drops as late.
    assert [at for at, _ in notes(out) if at < slept_to - 1.5] == [10.5]


@pytest.mark.parametrize("stop", [500.0, float("inf")])
def test_a_walk_with_an_end_is_over_after_a_sleep(stop: float) -> None:
    walk = Walk(Pieces([piece(60, 62), piece(64)]), start=0.0, count=None if stop < 1e9 else 3, stop=stop)
    walk.advance(CLOCK, 10.0)
    walk.advance(CLOCK, 10.0 + 3 * 86400.0)
    assert walk.over
    assert walk.finished(10.0 + 3 * 86400.0)
