"""The player: everything at its time, and every note-on with exactly one note-off, whatever comes."""

from __future__ import annotations

import math

import pytest

from rnnae_live.agenda import MOST_DEAD
from rnnae_live.events import (
    Cut,
    Due,
    DueNote,
    Retime,
    Thru,
    Withdraw,
    note_off,
    note_on,
    silence,
)
from rnnae_live.player import LATEST, MOST_PENDING, Player
from tests.recording import Recorder, balanced

pytestmark = pytest.mark.unit


def test_notes_sound_from_their_moment_to_their_end() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(0.5, 1.0, 0, 60, 80))
    player.add(DueNote(0.25, 0.5, 0, 62, 90))
    assert player.next_at() == 0.25
    out.play(player, 2.0, step=0.25)
    assert out.sent == [
        (0.25, note_on(0, 62, 90)),
        (0.5, note_off(0, 62)),
        (0.5, note_on(0, 60, 80)),
        (1.0, note_off(0, 60)),
    ]
    assert player.next_at() is None


def test_a_second_note_on_of_a_pitch_releases_the_first_and_keeps_its_own_length() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(1.0, 3.0, 0, 60, 80))
    player.add(DueNote(2.0, 4.0, 0, 60, 81))
    out.play(player, 5.0, step=0.5)
    assert [at for at, _ in out.sent] == [1.0, 2.0, 2.0, 4.0]
    assert not balanced(out.sent)


def test_a_late_note_on_is_dropped_with_its_note_off_and_never_played_as_a_burst() -> None:
    out = Recorder()
    player = Player(out)
    for number in range(50):
        player.add(DueNote(0.01 * number, 0.01 * number + 0.2, 0, 40 + number, 80))
    out.now = 0.5
    player.play(0.5)
    # Of half a second of backlog only what is hardly late sounds.
    assert len([1 for _, data in out.sent if data[0] == 0x90]) <= LATEST / 0.01 + 1
    assert player.dropped >= 44
    out.play(player, 1.0)
    assert not balanced(out.sent)


def test_note_offs_are_sent_however_late() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(0.0, 0.5, 0, 60, 80))
    player.play(0.0)
    player.play(100.0)
    assert out.sent[-1][1] == note_off(0, 60)


def test_single_messages_and_their_note_offs_are_paired_too() -> None:
    out = Recorder()
    player = Player(out)
    for at, data in ((0.0, note_on(0, 60, 80)), (0.0, b"\xb0\x01\x40"), (0.1, b"\x90\x3c\x00"), (0.2, note_off(0, 60))):
        player.add(Due(at, data))
    player.play(0.0)
    out.play(player, 1.0, step=0.1)
    assert not balanced(out.sent)
    assert [data[0] for _, data in out.sent] == [0xB0, 0x90, 0x80]


def test_a_cut_forgets_what_waits_and_releases_what_sounds() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(0.0, 9.0, 2, 60, 80))
    player.add(DueNote(1.0, 9.0, 2, 62, 80))
    player.play(0.0)
    player.cut(Cut())
    player.play(20.0)
    assert [data for _, data in out.sent] == [note_on(2, 60, 80), note_off(2, 60)]
    player.cut(Cut(hard=True))
    assert [data for _, data in out.sent[2:]] == silence()


def test_what_waits_is_bounded_and_note_offs_are_not_lost_to_the_bound() -> None:
    out = Recorder()
    player = Player(out)
    for number in range(MOST_PENDING + 100):
        player.add(DueNote(1.0, 1.5, number // 128 % 16, number % 128, 80))
    assert player.pending == MOST_PENDING
    assert player.dropped == 100
    out.play(player, 2.0, step=0.5)
    assert not balanced(out.sent)


def test_a_part_changes_its_mind_and_the_others_play_on() -> None:
    out = Recorder()
    player = Player(out)
    for part in (0, 1):
        player.take(DueNote(0.0, 4.0, part, 60, 80, part))
        player.take(DueNote(1.0, 4.0, part, 62, 80, part))
        player.take(DueNote(2.0, 3.0, part, 64, 80, part))
    player.play(0.0)
    player.take(Withdraw(0, after=2.0, until=2.5))
    player.take(DueNote(2.0, 3.0, 0, 72, 80, 0))
    out.play(player, 5.0, step=0.5)
    assert [(at, data[1], data[0] >> 4) for at, data in out.sent if data[0] & 0x0F == 0] == [
        (0.0, 60, 9),
        (1.0, 62, 9),
        (2.0, 72, 9),
        (2.5, 60, 8),
        (2.5, 62, 8),
        (3.0, 72, 8),
    ]
    assert [(at, data[1]) for at, data in out.sent if data[0] == 0x91] == [(0.0, 60), (1.0, 62), (2.0, 64)]
    assert [at for at, data in out.sent if data[0] == 0x81] == [3.0, 4.0, 4.0]
    assert player.superseded == 0


def test_a_late_change_of_mind_doubles_no_note() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(1.0, 2.0, 0, 60, 80))
    out.play(player, 1.02, step=0.02)
    player.withdraw(Withdraw(0, after=0.99))
    player.add(DueNote(1.0, 2.0, 0, 67, 80))
    player.add(DueNote(1.0, 2.0, 1, 68, 80, part=1))
    player.add(DueNote(1.1, 2.0, 0, 69, 80))
    out.play(player, 3.0, step=0.02)
    assert [data[1] for _, data in out.sent if data[0] >> 4 == 9] == [60, 68, 69]
    assert player.superseded == 1


@pytest.mark.parametrize("until", [0.7, 3.0])
def test_the_end_of_a_note_can_be_moved(until: float) -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(0.5, 1.0, 0, 60, 80, part=3))
    player.add(DueNote(0.6, math.inf, 0, 61, 80, part=3))
    player.retime(Retime(3, 0, 60, 9.0))
    out.play(player, 0.6, step=0.1)
    player.retime(Retime(4, 0, 60, 0.61))
    player.retime(Retime(3, 0, 60, until))
    out.play(player, 4.0, step=0.1)
    assert out.sent[2:] == [(until, note_off(0, 60))]
    assert player.next_at() is None
    player.retime(Retime(3, 0, 61, 0.0))
    player.play(4.0)
    assert out.sent[-1] == (4.0, note_off(0, 61))


def test_what_is_played_through_and_a_part_do_not_end_each_others_notes() -> None:
    out = Recorder()
    player = Player(out)
    player.thru(note_on(0, 59, 1), 0.0)
    player.take(Thru(1))
    player.add(DueNote(0.0, 1.0, 0, 60, 80))
    player.play(0.0)
    player.thru(note_on(0, 60, 90), 0.5)
    player.thru(b"\xb0\x40\x7f", 0.5)
    out.play(player, 1.0, step=0.5)
    assert out.sent == [(0.0, note_on(0, 60, 80)), (0.5, note_off(0, 60)), (0.5, note_on(0, 60, 90))]
    player.add(DueNote(1.5, 9.0, 0, 60, 81))
    out.play(player, 1.5, step=0.5)
    player.thru(note_off(0, 60), 2.0)
    out.play(player, 3.0, step=0.5)
    assert out.sent[3:] == [(1.5, note_off(0, 60)), (1.5, note_on(0, 60, 81))]


def test_a_key_that_is_struck_and_let_go_in_one_moment_does_not_sound_on() -> None:
    out = Recorder()
    player = Player(out)
    player.take(Thru(1))
    for data in (note_on(0, 60, 90), note_off(0, 60)):
        player.thru(data, 1.0)
    player.play(1.0)
    assert out.sent == [(0.0, note_on(0, 60, 90)), (0.0, note_off(0, 60))]


def test_thru_ends_without_a_note_or_a_pedal_that_stays_down() -> None:
    out = Recorder()
    player = Player(out)
    player.take(Thru(2))
    for data in (b"\xb2\x40\x7f", note_on(2, 60, 90), b"\xe2\x00\x50", b"\xf8", b"\xf0\x01\xf7", b"\x92\x3c"):
        player.thru(data, 0.0)
    player.play(0.0)
    player.take(Thru(0))
    player.thru(note_off(2, 60), 1.0)
    player.thru(note_on(2, 61, 1), 1.0)
    player.play(1.0)
    assert [data for _, data in out.sent] == [
        b"\xb2\x40\x7f",
        note_on(2, 60, 90),
        b"\xe2\x00\x50",
        b"\xb2\x40\x00",
        note_off(2, 60),
    ]


def test_a_driver_that_asks_gets_each_message_with_its_moment() -> None:
    player, sent = Player(), list[tuple[float, bytes]]()

    def drive(begin: float, end: float) -> None:
        player.drive(begin, end, lambda at, data: sent.append((at, data)))

    player.add(DueNote(1.002, 1.013, 0, 60, 80))
    player.add(DueNote(0.99, 1.03, 0, 62, 80))
    drive(1.0, 1.01)
    assert sent == [(1.0, note_on(0, 62, 80)), (1.002, note_on(0, 60, 80))]
    assert player.lateness.worst == pytest.approx(0.01)
    # What the next period holds has been asked for: a change of mind comes too late for it.
    player.withdraw(Withdraw(0, after=1.005))
    player.add(DueNote(1.006, 1.2, 0, 70, 80))
    assert player.superseded == 1
    player.cut(Cut(hard=True))
    player.add(DueNote(1.012, 1.019, 0, 65, 80))
    assert len(sent) == 2
    assert not player.settled
    drive(1.01, 1.02)
    assert sent[2:4] == [(1.01, note_off(0, 60)), (1.01, note_off(0, 62))]
    assert [data for _, data in sent[4:36]] == silence()
    assert sent[36:] == [(1.012, note_on(0, 65, 80)), (1.019, note_off(0, 65))]
    assert player.settled


def test_what_is_forgotten_takes_no_room_for_long() -> None:
    player = Player(Recorder())
    for turn in range(200):
        for number in range(100):
            player.add(DueNote(1.0 + number, 200.0, 0, number, 80, part=turn % 16))
        player.withdraw(Withdraw(turn % 16, after=2.0))
    assert player.pending == 200
    assert len(player._agenda._heap) <= 200 + max(200, MOST_DEAD) + 100
