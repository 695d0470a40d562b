"""The player: everything at its time, and every note-on with exactly one note-off, whatever comes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.errors import PortError
from rnnae_live.events import Cut, Due, DueNote, NoteOff, NoteOn, note_off, note_on, read, silence
from rnnae_live.lateness import Lateness
from rnnae_live.ledger import Ledger
from rnnae_live.player import LATEST, MOST_PENDING, Player

pytestmark = pytest.mark.unit


class Recorder:
    """Writes down what is sent, with the virtual time; ``broken`` makes it a lost port."""

    def __init__(self) -> None:
        self.now = 0.0
        self.broken = False
        self.sent: list[tuple[float, bytes]] = []

    def __call__(self, data: bytes) -> None:
        if self.broken:
            raise PortError("lost")
        self.sent.append((self.now, data))

    def play(self, player: Player, until: float, step: float = 0.001) -> None:
        while self.now < until:
            self.now = round(self.now + step, 6)
            player.play(self.now)


def balanced(sent: list[tuple[float, bytes]]) -> set[tuple[int, int]]:
    """Return what still sounds; fail where a note sounds twice or is released without sounding."""
    sounding: set[tuple[int, int]] = set()
    for _, data in sent:
        event = read(data, 0.0)
        if isinstance(event, NoteOn):
            assert (event.channel, event.pitch) not in sounding
            sounding.add((event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            assert (event.channel, event.pitch) in sounding
            sounding.remove((event.channel, event.pitch))
    return sounding


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


def test_a_lost_port_leaves_the_note_in_the_ledger_for_the_next() -> None:
    out = Recorder()
    player = Player(out)
    player.add(DueNote(0.0, 0.5, 0, 60, 80))
    player.play(0.0)
    out.broken = True
    with pytest.raises(PortError):
        player.play(0.5)
    assert list(player.ledger) == [(0, 60)]
    out.broken = False
    player.release()
    assert not balanced(out.sent)


def test_the_ledger_survives_its_writer(tmp_path: Path) -> None:
    first = Player(Recorder(), Ledger.open(tmp_path / "ledger"))
    first.add(DueNote(0.0, 9.0, 3, 60, 80))
    first.add(DueNote(0.0, 9.0, 15, 127, 1))
    first.play(0.0)
    out = Recorder()
    second = Player(out, Ledger.open(tmp_path / "ledger"))
    assert list(second.ledger) == [(3, 60), (15, 127)]
    second.release()
    assert [data for _, data in out.sent] == [note_off(3, 60), note_off(15, 127)]
    second.repeat([(3, 60)])
    assert [data for _, data in out.sent[2:]] == [note_off(3, 60)]
    second.add(DueNote(0.0, 9.0, 3, 60, 80))
    second.play(0.0)
    second.repeat([(3, 60)])
    assert out.sent[-1][1] == note_on(3, 60, 80)


def test_a_note_is_in_the_ledger_before_it_sounds_and_until_it_is_silent() -> None:
    seen: list[bool] = []
    ledger = Ledger()
    player = Player(lambda data: seen.append((0, 60) in ledger), ledger)
    player.add(DueNote(0.0, 1.0, 0, 60, 80))
    player.play(0.0)
    player.play(1.0)
    assert seen == [True, True]
    assert not list(ledger)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"something else")
    with pytest.raises(PortError, match="not a table of sounding notes"):
        Ledger.open(tmp_path / "ledger")


def test_lateness_is_counted() -> None:
    late = Lateness()
    for _ in range(99):
        late.add(0.0001)
    late.add(0.02)
    assert late.count == 100
    assert 0.0001 <= late.quantile(0.5) <= 0.0002
    assert late.quantile(1.0) == late.worst == 0.02


times = st.floats(0, 4).map(lambda value: round(value, 2))
notes = st.builds(DueNote, times, times, st.integers(0, 1), st.integers(60, 63), st.integers(1, 127))
singles = st.builds(
    Due,
    times,
    st.sampled_from([note_on(0, 60, 80), note_off(0, 60), note_on(1, 61, 1), b"\x91\x3d\x00", b"\xb0\x07\x40"]),
)
steps = st.one_of(notes, singles, st.builds(Cut, st.booleans()), st.floats(0.001, 1.0))


@given(st.lists(steps, max_size=60))
def test_every_note_on_has_exactly_one_note_off(script: list[DueNote | Due | Cut | float]) -> None:
    out = Recorder()
    player = Player(out)
    for step in script:
        if isinstance(step, float):
            out.now += step
            player.play(out.now)
        elif isinstance(step, Cut):
            player.cut(step)
        else:
            player.add(step)
        # What the ledger names is what sounds, at every moment.
        assert balanced(out.sent) == set(player.ledger)
    player.play(out.now + 10)
    player.cut(Cut())
    assert not balanced(out.sent)
    assert [at for at, _ in out.sent] == sorted(at for at, _ in out.sent)
