"""One voice on the grid: notes, rests and durations in integer ticks, cut on bar lines.

phrase -> [melody] -> tokens

A melody is what the model learns and returns. It never overlaps itself; what lies between its notes
is rest. ``cut`` gives the pieces that one state vector carries, ``join`` puts them together again, and
``join(melody.cut()) == melody`` for every melody.

*Units*: integer ticks, ``PPQ`` = 24 to the quarter note (the tick of MIDI clock).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rnnae_live.phrase import Metre, Note

PPQ = 24
"""Ticks per quarter note of the grid. 24 holds sixteenths, triplets and 99.97 % of the notes of real tunes."""

BARS_PER_PIECE = 2
"""Bars that one state vector carries."""


@dataclass(frozen=True, slots=True)
class Melody:
    """One voice: ``notes`` ordered and without overlap, inside ``length`` ticks.

    ``tied`` says that the first note begins at 0 and continues the last note of the melody before it.
    ``pickup`` is the length in ticks of an incomplete first bar, 0 when there is none.
    ``metres[0].onset`` is 0; later metres begin on bar lines.
    """

    notes: tuple[Note, ...]
    length: int
    metres: tuple[Metre, ...] = (Metre(0),)
    pickup: int = 0
    bpm: float = 120.0
    tied: bool = False

    def __post_init__(self) -> None:
        """Check the voice.

        Raises:
            ValueError: notes overlap, have no duration, or leave the melody.
        """
        free = 0
        for note in self.notes:
            if note.onset < free or note.duration < 1:
                raise ValueError(f"Note {note} overlaps the one before it or has no duration.")
            free = note.end
        if free > self.length:
            raise ValueError(f"The last note ends at tick {free}, after the melody's end at {self.length}.")

    @property
    def sounding(self) -> int | None:
        """The pitch that sounds up to the end, which a melody after this one may hold; None for silence."""
        last = self.notes[-1] if self.notes else None
        return last.pitch if last and last.end == self.length else None

    def bars(self) -> list[int]:
        """Onsets of all bar lines from 0 to the last that is not after ``length``, in ticks."""
        lines = [0]
        if 0 < self.pickup < self.length:
            lines.append(self.pickup)
        while True:
            here = lines[-1]
            metre = max((m for m in self.metres if m.onset <= here), default=self.metres[0])
            line = here + metre.bar(PPQ)
            if line > self.length:
                return lines
            lines.append(line)

    def slice(self, start: int, end: int) -> Melody:
        """Return what sounds between two ticks as a melody of its own, ties kept, bar lines starting at ``start``."""
        notes = []
        tied = self.tied and start == 0
        for note in self.notes:
            left, right = max(note.onset, start), min(note.end, end)
            if left < right:
                tied = tied or note.onset < start
                notes.append(replace(note, onset=left - start, duration=right - left))
        metre = max((m for m in self.metres if m.onset <= start), default=self.metres[0])
        later = [replace(m, onset=m.onset - start) for m in self.metres if start < m.onset < end]
        pickup = self.pickup if start == 0 and end > self.pickup else 0
        return Melody(tuple(notes), end - start, (replace(metre, onset=0), *later), pickup, self.bpm, tied)

    def cut(self, bars: int = BARS_PER_PIECE) -> list[Melody]:
        """Return the pieces of at most ``bars`` bars each, in order; the pickup is a piece of its own.

        A melody that is no longer than one piece is returned whole.
        """
        lines = self.bars()
        if lines[-1] < self.length:
            lines.append(self.length)
        if len(lines) <= bars + 1 and not self.pickup:
            return [self]
        first = 1 if self.pickup and len(lines) > 2 else 0
        edges = sorted({0, *lines[first::bars], self.length})
        return [self.slice(a, b) for a, b in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a recall did not return: notes of the song, of how many, and the tick of the first."""

    wrong: int
    notes: int
    first: int


def join(pieces: Sequence[Melody]) -> Melody:
    """Return the pieces one after the other as one melody; tied notes become one again.

    Raises:
        ValueError: there are no pieces.
    """
    if not pieces:
        raise ValueError("There are no pieces to join.")
    notes: list[Note] = []
    metres: list[Metre] = []
    start = 0
    for piece in pieces:
        for i, note in enumerate(piece.notes):
            here = replace(note, onset=note.onset + start)
            before = notes[-1] if notes else None
            tie = i == 0 and piece.tied and before is not None
            if tie and before is not None and before.end == here.onset and before.pitch == here.pitch:
                notes[-1] = replace(before, duration=before.duration + here.duration)
            else:
                notes.append(here)
        for metre in piece.metres:
            if not metres or (metre.numerator, metre.denominator) != (metres[-1].numerator, metres[-1].denominator):
                metres.append(replace(metre, onset=metre.onset + start))
        start += piece.length
    head = pieces[0]
    pickup = head.pickup or (head.length if len(pieces) > 1 and head.length < head.metres[0].bar(PPQ) else 0)
    return Melody(tuple(notes), start, tuple(metres), pickup, head.bpm, head.tied)


def transpose(melody: Melody, semitones: int) -> Melody:
    """Return the melody moved by ``semitones``.

    Raises:
        ValueError: a pitch would leave 0-127.
    """
    notes = tuple(replace(n, pitch=n.pitch + semitones) for n in melody.notes)
    if any(not 0 <= n.pitch <= 127 for n in notes):
        raise ValueError(f"Moving the melody by {semitones} semitones leaves the MIDI pitches 0-127.")
    return replace(melody, notes=notes)


def difference(wanted: Melody, got: Melody) -> Difference | None:
    """Return what differs in onset, duration or pitch between two melodies, None where nothing does."""
    a = [(n.onset, n.duration, n.pitch) for n in wanted.notes]
    b = [(n.onset, n.duration, n.pitch) for n in got.notes]
    if a == b and wanted.length == got.length:
        return None
    wrong = sorted(set(a) ^ set(b)) or [(min(wanted.length, got.length), 0, 0)]
    return Difference(len(set(a) - set(b)), len(a), wrong[0][0])


def voice(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return ``notes`` in order, none sounding into the next; of notes that begin together the last stays."""
    line: list[Note] = []
    for note in sorted(notes):
        if line and line[-1].onset == note.onset:
            line.pop()
        elif line and line[-1].end > note.onset:
            line[-1] = replace(line[-1], duration=note.onset - line[-1].onset)
        line.append(note)
    return tuple(line)
