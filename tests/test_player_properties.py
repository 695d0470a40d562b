"""The player, whatever comes in whatever order: every note-on has one note-off, and only its owner ends a note."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.events import Cut, Due, DueNote, Retime, Thru, Withdraw, note_off, note_on
from rnnae_live.player import LATEST, Player
from tests.recording import Recorder, balanced

pytestmark = pytest.mark.unit

times = st.floats(0, 4).map(lambda value: round(value, 2))
channels, pitches, whose = st.integers(0, 1), st.integers(60, 62), st.integers(0, 1)
notes = st.builds(DueNote, times, times, channels, pitches, st.just(0), whose)
singles = st.builds(
    Due,
    times,
    st.sampled_from([note_on(0, 60, 80), note_off(0, 60), note_on(1, 61, 1), b"\x91\x3d\x00", b"\xb0\x07\x40"]),
)
through = st.one_of(
    st.builds(lambda channel, pitch: note_on(channel, pitch, 100), channels, pitches),
    st.builds(note_off, channels, pitches),
)
changes = st.one_of(
    st.builds(Withdraw, whose, times, st.one_of(times, st.just(math.inf))),
    st.builds(Retime, whose, channels, pitches, times),
    st.builds(Thru, st.integers(0, 2)),
    st.builds(Cut, st.booleans()),
)
passing = st.floats(0.001, 0.7)


@pytest.mark.parametrize("driven", [False, True])
@given(st.lists(st.one_of(notes, singles, through, changes, passing), max_size=60))
def test_every_note_on_has_exactly_one_note_off(
    driven: bool, script: list[DueNote | Due | Withdraw | Retime | Thru | Cut | bytes | float]
) -> None:
    out = Recorder()
    player = Player(None if driven else out)

    def advance(seconds: float) -> None:
        begin, out.now = out.now, out.now + seconds
        if driven:
            player.drive(begin, out.now, lambda at, data: out.sent.append((at, data)))
        else:
            player.play(out.now)

    for step in script:
        if isinstance(step, float):
            advance(step)
        elif isinstance(step, bytes):
            player.thru(step, out.now)
        elif isinstance(step, DueNote):
            player.take(replace(step, velocity=80))
        else:
            player.take(step)
        # What the ledger names is what sounds, at every moment.
        assert balanced(out.sent) == set(player.ledger)
    advance(10.0)
    player.cut(Cut())
    advance(0.1)
    assert not balanced(out.sent)
    assert [at for at, _ in out.sent] == sorted(at for at, _ in out.sent)
    assert player.pending == 0


@given(st.lists(st.one_of(notes, through, changes, passing), max_size=60))
def test_nothing_sounds_that_was_withdrawn_and_only_its_owner_ends_a_note(
    script: list[DueNote | Withdraw | Retime | Thru | Cut | bytes | float],
) -> None:
    """Each note has a velocity of its own, so that what is heard says which note it is."""
    out = Recorder()
    player = Player(out)
    ends: dict[int, float] = {}
    begins: dict[int, DueNote] = {}
    gone: set[int] = set()
    let_go: dict[int, float] = {}
    for number, step in enumerate(script, start=1):
        heard = {data[2] for _, data in out.sent if data[0] >> 4 == 9}
        cut = isinstance(step, Cut)
        before = len(out.sent)
        if isinstance(step, float):
            out.now += step
            player.play(out.now)
        elif isinstance(step, bytes):
            on = step[0] >> 4 == 9
            player.thru(note_on(step[0] & 15, step[1], number) if on else step, out.now)
            if not on:
                let_go[step[0] & 15 | step[1] << 4] = out.now
        elif isinstance(step, DueNote):
            begins[number] = replace(step, velocity=number)
            ends[number] = max(step.until, step.at)
            player.take(begins[number])
        else:
            player.take(step)
            for one, note in begins.items():
                if isinstance(step, Withdraw) and note.part == step.part:
                    if one not in heard and note.at >= step.after:
                        gone.add(one)
                    ends[one] = min(ends[one], max(step.until, note.at))
                if isinstance(step, Retime) and (note.part, note.channel, note.pitch) == (
                    step.part,
                    step.channel,
                    step.pitch,
                ):
                    ends[one] = min(ends[one], step.until)
        check_step(out.sent, before, cut, ends, let_go)
    for at, data in out.sent:
        if data[0] >> 4 == 9 and data[2] in begins:
            assert data[2] not in gone
            assert at - begins[data[2]].at <= LATEST + 1e-9


def check_step(
    sent: list[tuple[float, bytes]], before: int, cut: bool, ends: dict[int, float], let_go: dict[int, float]
) -> None:
    """Assert that each note-off since ``before`` is its owner's, a cut's, or makes room for the next note-on."""
    sounding: dict[tuple[int, int], int] = {}
    for place, (at, data) in enumerate(sent):
        key = (data[0] & 15, data[1])
        if data[0] >> 4 == 9:
            sounding[key] = data[2]
        elif data[0] >> 4 == 8:
            number = sounding.pop(key)
            following = sent[place + 1][1] if place + 1 < len(sent) else b"\0\0"
            if place < before or cut or (following[0] >> 4 == 9 and (following[0] & 15, following[1]) == key):
                continue
            if number in ends:
                assert ends[number] <= at
            else:
                assert key[0] | key[1] << 4 in let_go
