"""A voice on the grid: the notes of a melody as ticks, written ones kept, performed ones heard as they were meant.

part -> grid, pickup -> [rhythm] -> song

*Written*: each attack goes to its tick, the nearest one where it lies between two. An end on the grid stays; one off
the grid is articulation and goes to the next attack if that is near. Where most notes end a tick or two before the
next one begins, a sequencer has shortened them, and they get those ticks back.
*Performed*: see ``grid``. The lead-in is taken off so that a bar line is at tick 0 and the first note lies in that
bar; of a phrase of two bars or less, in which no bar line can be heard, the first note lies in the first beat.

*Units*: times in ticks of the file, results in ticks of the grid, 24 to the quarter note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rnnae_live import grid
from rnnae_live.melody import PPQ, voice
from rnnae_live.phrase import Metre, Note
from rnnae_live.pickup import STEP, beat, downbeat

NEAR = 3
"""A gap up to this many ticks before the next attack is articulation where the note-off is off the grid."""

TRIMMED = 2
"""Ticks by which sequencers shorten notes; a gap of that size belongs to the note where most notes have it."""

CLICK = 1.5
"""Ticks that a performance may lie beside the beats of its file and still have been played to them."""

AT_ONCE = 2.5
"""How much likelier a performance begins on a bar line than elsewhere, as the score of ``pickup.downbeat``."""

Exact = Sequence[tuple[float, float]]
"""Onset and end of each note in ticks of the grid, unrounded."""


@dataclass(frozen=True, slots=True)
class Voice:
    """``notes`` on the grid, and how they came there.

    A time of the file, in ticks of the grid, minus ``lead`` is a tick of the voice. ``moved`` notes are not exactly
    where the file has them; ``shift`` is the farthest way of an attack, in ticks.
    """

    notes: tuple[Note, ...]
    lead: float = 0.0
    performed: bool = False
    moved: int = 0
    shift: float = 0.0


def settle(line: Sequence[Note], ppq: int, metre: Metre, bpm: float) -> Voice:
    """Return the notes of a melody on the grid.

    Args:
        line: notes in ticks of the file, ordered, at least one.
        ppq: ticks of the file per quarter note.
        metre: the metre at the start.
        bpm: quarter notes a minute.
    """
    exact = [(note.onset * PPQ / ppq, note.end * PPQ / ppq) for note in line]
    if grid.is_written([note.onset for note in line], ppq):
        # What the file cannot say more exactly is on the grid.
        return _voice(line, exact, _written(exact, 0.5 * PPQ / ppq), 0.0, performed=False)
    pulse = 36 if beat(metre) % 36 == 0 else PPQ
    heard, places = grid.fit([onset for onset, _ in exact], pulse, bpm)
    shifted = [(onset - heard.phase, end - heard.phase) for onset, end in exact]
    lengths = grid.durations([onset for onset, _ in shifted], [end for _, end in shifted], places)
    notes = [replace(n, onset=p, duration=d) for n, p, d in zip(line, places, lengths, strict=True)]
    first = _first_bar(notes, metre, heard)
    spans = [(p - first, p - first + d) for p, d in zip(places, lengths, strict=True)]
    return _voice(line, exact, spans, heard.phase + first, performed=True)


def _voice(
    line: Sequence[Note], exact: Exact, spans: Sequence[tuple[int, int]], lead: float, *, performed: bool
) -> Voice:
    """Return the voice that has its notes at ``spans``, and how far that is from where the file has them."""
    notes = voice(
        replace(note, onset=onset, duration=max(1, end - onset)) for note, (onset, end) in zip(line, spans, strict=True)
    )
    off = [(abs(onset - a + lead), abs(end - b + lead)) for (a, b), (onset, end) in zip(exact, spans, strict=True)]
    moved = sum(max(ways) > 1e-6 for ways in off)
    return Voice(notes, lead, performed, moved, max(onset for onset, _ in off))


def _written(exact: Exact, tolerance: float) -> list[tuple[int, int]]:
    """Return onset and end of written notes; every note keeps a tick of its own."""
    onsets: list[int] = []
    for onset, _ in exact:
        tick = round(onset)
        onsets.append(max(tick, onsets[-1] + 1) if onsets else tick)
    ends = [_written_end(end, after, tolerance) for (_, end), after in zip(exact, onsets[1:], strict=False)]
    gaps = [after - end for end, after in zip(ends, onsets[1:], strict=False)]
    if sum(0 < gap <= TRIMMED for gap in gaps) > 0.6 * len(gaps):
        ends = [after if 0 < after - end <= TRIMMED else end for end, after in zip(ends, onsets[1:], strict=False)]
    ends.append(_last_end(exact, onsets, tolerance))
    return [(onset, max(end, onset + 1)) for onset, end in zip(onsets, ends, strict=True)]


def _written_end(end: float, after: int, tolerance: float) -> int:
    """Return the end of a note: no later than the next attack ``after``, and there if only articulation is between."""
    tick = round(end)
    if abs(end - tick) > tolerance + 1e-9 and after - end <= NEAR:
        return after
    return min(tick, after)


def _last_end(exact: Exact, onsets: Sequence[int], tolerance: float) -> int:
    """Return the end of the last note: where it is written, else as the player's articulation says."""
    end = exact[-1][1]
    if abs(end - round(end)) <= tolerance + 1e-9 or len(onsets) < 3:
        return round(end)
    lengths = grid.durations([onset for onset, _ in exact], [end for _, end in exact], onsets)
    return onsets[-1] + lengths[-1]


def _first_bar(notes: Sequence[Note], metre: Metre, heard: grid.Performance) -> int:
    """Return the bar line, in ticks from the grid's phase, of the bar in which performed notes begin."""
    bar, start, pulse = metre.bar(PPQ), notes[0].onset, heard.beat
    # Who plays to the click of a recorder lies on the recorder's beats.
    click = round(-heard.phase / pulse) * pulse
    clicked = abs(heard.phase + click) < CLICK
    if clicked and 0 <= start - click < pulse / 2:
        return click
    if notes[-1].end - start <= 2 * bar or bar < 2 * STEP:
        return start - start % pulse
    inside = start % pulse
    shifted = [replace(note, onset=note.onset - start + inside) for note in notes]
    lines = np.arange(0, bar, STEP)
    scores = downbeat(shifted, metre) + AT_ONCE * (lines == inside)
    if clicked:
        scores += AT_ONCE * (lines == (click - start + inside) % bar)
    # The beat was found with the phase; only which of the beats begins the bar is open.
    line = int(lines[int(np.argmax(np.where(lines % pulse == 0, scores, -np.inf)))])
    return start - (inside - line) % bar
