"""Feel: one voice stays one voice whatever the knobs say, swing keeps the beats, a groove is the performer's."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.feel import EIGHTH, FREE, SIXTEENTH, Feel, Groove, Played, Touch, groove, play
from rnnae_live.melody import PPQ, Melody
from rnnae_live.phrase import LIVE_PPQ, Note, Part, Phrase

pytestmark = pytest.mark.unit

UNIT = LIVE_PPQ // PPQ


@st.composite
def melodies(draw: st.DrawFn) -> Melody:
    """A voice of any lengths and rests, whole bars or not, with a pickup or a tie."""
    notes, here = [], 0
    for _ in range(draw(st.integers(0, 12))):
        here += draw(st.sampled_from([0, 0, 0, 1, 6, 12, 24]))
        duration = draw(st.one_of(st.sampled_from([3, 4, 6, 8, 12, 24, 48]), st.integers(1, 60)))
        notes.append(Note(here, duration, draw(st.integers(0, 127)), draw(st.integers(1, 127))))
        here += duration
    length = here + draw(st.sampled_from([0, 1, 12, 24, 100])) or 1
    pickup = draw(st.sampled_from([0, 0, 12, 18, 24]))
    return Melody(tuple(notes), length, pickup=pickup, tied=bool(notes) and notes[0].onset == 0 and draw(st.booleans()))


grooves = st.builds(
    Groove,
    st.dictionaries(st.integers(0, 191), st.builds(Touch, st.integers(1, 127), st.floats(-60, 60))),
    st.sampled_from([96, 192]),
)

feels = st.builds(
    Feel,
    transpose=st.integers(-12, 12),
    octave=st.integers(-12, 12),
    swing=st.floats(0, 1),
    swung=st.sampled_from([EIGHTH, SIXTEENTH]),
    humanize=st.floats(0, 1),
    gate=st.floats(0, 1),
    shortest=st.floats(0, 96),
    longest=st.floats(0, 400),
    groove=st.none() | grooves,
    amount=st.floats(0, 1),
)


def line(*pitches: int, ticks: int = 12) -> Melody:
    notes = tuple(Note(at * ticks, ticks, pitch) for at, pitch in enumerate(pitches))
    return Melody(notes, ticks * len(pitches))


@given(melodies(), feels, st.sampled_from([0.0, 0.5, 960.25, 1e7]), st.integers(0, 1 << 40), st.integers(0, 999))
def test_one_voice_stays_one_voice(melody: Melody, feel: Feel, start: float, seed: int, place: int) -> None:
    played = play(melody, feel, start, seed, place=place)
    assert len(played) == len(melody.notes)
    for one in played:
        assert start <= one.on_tick < one.off_tick <= start + melody.length
        assert 0 <= one.pitch <= 127
        assert 1 <= one.velocity <= 127
    for one, after in pairwise(played):
        assert one.off_tick <= after.on_tick
    moves = feel.transpose + 12 * feel.octave
    assert all((one.pitch - note.pitch - moves) % 12 == 0 for one, note in zip(played, melody.notes, strict=True))
    if melody.tied:
        assert played[0].on_tick == start


@given(melodies(), feels, st.integers(0, 99))
def test_no_note_is_moved_half_way_to_its_neighbour(melody: Melody, feel: Feel, seed: int) -> None:
    exact = [one.on_tick for one in play(melody, replace(feel, humanize=0, groove=None), 0.0)]
    moved = [one.on_tick for one in play(melody, feel, 0.0, seed)]
    edges = [0.0, *exact, float(melody.length)]
    for at, (here, there) in enumerate(zip(exact, moved, strict=True)):
        room = edges[at + 2] - here if there > here else here - edges[at]
        assert abs(there - here) <= FREE * room + 1e-9
    assert FREE < 0.5


@given(melodies())
def test_without_a_feel_the_melody_is_played_as_it_is_written(melody: Melody) -> None:
    played = play(melody, Feel(), 100.0)
    assert played == [Played(100.0 + n.onset, 100.0 + n.end, n.pitch, n.velocity) for n in melody.notes]


@given(melodies(), st.integers(0, 99), st.data())
def test_what_stays_when_the_rest_is_composed_again_is_played_as_before(
    melody: Melody, seed: int, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(0, len(melody.notes)))
    other = replace(melody, notes=melody.notes[:kept], tied=melody.tied and kept > 0)
    feel = Feel(humanize=1.0, groove=Groove({0: Touch(90, 0.4), 12: Touch(30, -0.4)}, 96))
    before, again = play(melody, feel, 5.0, seed), play(other, feel, 5.0, seed)
    assert [one.velocity for one in again] == [one.velocity for one in before[:kept]]
    # The last one that stays has another neighbour now, which may leave it more room.
    assert [one.on_tick for one in again[:-1]] == [one.on_tick for one in before[: max(0, kept - 1)]]
    for one, was, note in zip(again[-1:], before[kept - 1 :], melody.notes[kept - 1 :], strict=False):
        assert one.on_tick == was.on_tick or abs(one.on_tick - 5.0 - note.onset) <= 4 * 0.5 + 0.4


def test_pitches_beyond_midi_are_folded_by_octaves() -> None:
    melody = line(0, 3, 125, 127)
    assert [one.pitch for one in play(melody, Feel(transpose=-2), 0.0)] == [10, 1, 123, 125]
    assert [one.pitch for one in play(melody, Feel(transpose=5), 0.0)] == [5, 8, 118, 120]
    assert [one.pitch for one in play(melody, Feel(octave=-1), 0.0)] == [0, 3, 113, 115]


def test_swing_delays_the_off_beats_and_leaves_the_beats() -> None:
    melody = line(60, 62, 64, 65)
    full, half = (play(melody, Feel(swing=swing), 0.0) for swing in (1.0, 0.5))
    assert [one.on_tick for one in full] == [0, 16, 24, 40]
    assert [one.on_tick for one in half] == [0, 14, 24, 38]
    assert [one.off_tick for one in full] == [16, 24, 40, 48]


def test_swing_of_sixteenths_moves_every_second_sixteenth() -> None:
    melody = line(60, 62, 64, 65, ticks=6)
    assert [one.on_tick for one in play(melody, Feel(swing=1.0, swung=SIXTEENTH), 0.0)] == [0, 8, 12, 20]
    assert [one.on_tick for one in play(melody, Feel(swing=1.0), 0.0)] == [0, 8, 16, 20]


def test_triplets_do_not_swing_and_a_pickup_is_counted_from_its_bar_line() -> None:
    triplets = line(60, 62, 64, ticks=8)
    assert [one.on_tick for one in play(triplets, Feel(swing=1.0), 0.0)] == [0, 8, 16]
    upbeat = replace(line(60, 62, 64), pickup=12)
    assert [one.on_tick for one in play(upbeat, Feel(swing=1.0), 0.0)] == [4, 12, 28]


def test_lengths_are_limited_as_far_as_there_is_room() -> None:
    melody = Melody((Note(0, 3, 60), Note(6, 3, 62), Note(48, 48, 64)), 192)
    lengths = [one.off_tick - one.on_tick for one in play(melody, Feel(shortest=12, longest=24), 0.0)]
    assert lengths == [6, 12, 24]
    half = [one.off_tick - one.on_tick for one in play(melody, Feel(gate=0.5), 0.0)]
    assert half == [1.5, 1.5, 24]


def test_humanize_scatters_and_the_seed_decides_how() -> None:
    melody = line(*range(40, 72))
    first, again, other = (play(melody, Feel(humanize=1.0), 0.0, seed) for seed in (1, 1, 2))
    assert first == again != other
    away = [one.on_tick - note.onset for one, note in zip(first, melody.notes, strict=True)]
    assert len(set(away)) > 16
    assert max(map(abs, away)) < 3
    assert len({one.velocity for one in first}) > 5


def performed(melody: Melody, deviations: list[float], velocities: list[int], lead: float = 0.0) -> Phrase:
    """A melody played with deviations in ticks of the grid; the phrase begins with its first note."""
    onsets = [note.onset + lead + away for note, away in zip(melody.notes, deviations, strict=True)]
    notes = tuple(
        Note(round((onset - onsets[0]) * UNIT), note.duration * UNIT, note.pitch, velocity)
        for onset, note, velocity in zip(onsets, melody.notes, velocities, strict=True)
    )
    return Phrase((Part(notes),), LIVE_PPQ, notes[-1].end)


@given(st.lists(st.floats(-1.5, 1.5), min_size=9, max_size=9), st.lists(st.integers(1, 127), min_size=9, max_size=9))
def test_a_groove_gives_the_performer_back(deviations: list[float], velocities: list[int]) -> None:
    melody = line(60, 62, 60, 64, 60, 62, 65, 67, 60)
    melody = replace(
        melody, notes=tuple(replace(n, velocity=v) for n, v in zip(melody.notes, velocities, strict=True)), length=192
    )
    taken = groove(performed(melody, deviations, velocities), melody)
    usual = sorted(deviations)[4]
    played = play(melody, Feel(groove=taken), 0.0)
    assert [one.velocity for one in played] == velocities
    for one, note, away in zip(played[1:], melody.notes[1:], deviations[1:], strict=True):
        assert one.on_tick - note.onset == pytest.approx(away - usual, abs=2 / UNIT)


def test_half_a_groove_is_half_of_it_and_none_is_none() -> None:
    melody = line(60, 62, 64, 65)
    taken = Groove({12: Touch(120, 2.0)}, 48)
    played = [play(melody, Feel(groove=taken, amount=amount), 0.0)[1] for amount in (0, 0.5, 1)]
    assert [one.velocity for one in played] == [80, 100, 120]
    assert [one.on_tick for one in played] == [12, 13, 14]


def test_a_groove_goes_on_at_the_place_of_the_piece_and_begins_again() -> None:
    melody = line(60, 62)
    taken = Groove({0: Touch(10), 12: Touch(20), 96: Touch(30), 108: Touch(40)}, 192)
    heard = [[one.velocity for one in play(melody, Feel(groove=taken), 0.0, place=at)] for at in (0, 96, 192)]
    assert heard == [[10, 20], [30, 40], [10, 20]]


def test_where_the_performer_played_nothing_the_same_place_of_other_beats_is_followed() -> None:
    taken = Groove({0: Touch(80, -1.0), 12: Touch(70, 2.0), 36: Touch(60, 4.0)}, 96)
    there = taken.at(60)
    assert there == Touch(60, 3.0)
    assert taken.at(54) == Touch(60, 0.0)
    assert Groove({}, 96).at(3) is None


def test_the_root_of_a_chord_that_nobody_played_is_in_time() -> None:
    melody = Melody((Note(0, 48, 48, 70), Note(48, 48, 53, 75)), 96)
    chord = Phrase((Part(tuple(Note(at * UNIT, 900, 64 + at) for at in (0, 1, 48, 50))),), LIVE_PPQ, 4000)
    assert groove(chord, melody) == Groove({0: Touch(70), 48: Touch(75)}, 96)


def test_a_turn_that_begins_late_in_its_phrase_finds_its_notes() -> None:
    melody = line(60, 64, 67, 72, 71, 67, 64, 62)
    deviations = [0.5, -0.5, 1.0, 0.0, 0.0, -1.0, 0.0, 0.25]
    phrase = performed(melody, deviations, [80] * 8, lead=17.0)
    turn = Melody(tuple(replace(n, onset=n.onset - 36) for n in melody.notes[3:]), 96)
    taken = groove(phrase, turn)
    got = [taken.touches[note.onset].deviation for note in turn.notes]
    assert got == pytest.approx([0.0, 0.0, -1.0, 0.0, 0.25], abs=2 / UNIT)
    assert not math.isnan(sum(got))
