"""A song as the instrument hears it: any MIDI file, or anything played, as one voice on the grid.

midifile -> phrase -> lead, chord, rhythm, pickup -> [song] -> melody -> tokens

The part that has the melody is chosen, its notes are put on the grid, the bar lines are found, and the roots of the
chords that accompany it are listed. Where there are chords and no melody, the roots are the melody: each chord that is
struck becomes one note, the lowest root that sounds. A single line of broken chords is a melody as it stands, with the
roots beside it. Pitches are never changed, repeats stay as they are written out.

*Units*: ticks of the grid, 24 to the quarter note, from the start of the file. Of a performance the lead-in is taken
off, so that the first note lies in the first bar.
*Errors*: ``MidiFileError`` where there is no file that can be read, or no note in it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from rnnae_live.chord import Root, roots
from rnnae_live.errors import MidiFileError
from rnnae_live.lead import chords, is_bass, melody_part, spread_ticks, voices
from rnnae_live.melody import PPQ, Melody
from rnnae_live.midifile import read
from rnnae_live.phrase import Metre, Note, Part, Phrase, Tempo
from rnnae_live.pickup import pickup
from rnnae_live.rhythm import Voice, settle

TRAILING_BARS = 4
"""Most bars of rest after the last note that are kept where the track ends later."""


MAX_NOTES = 10_000
"""Notes of a melody that are read: an hour and a half of music."""

MAX_METRES = 2_000
"""Changes of metre that are kept."""


@dataclass(frozen=True, slots=True)
class Song:
    """What was made of a file or a phrase, and how much it had to be moved for it.

    ``roots`` are (onset, duration, pitch class 0-11) of the chords, empty where there are none. ``moved`` counts the
    notes whose onset or end is not where the file has it (in a performance: after the lead-in is taken off),
    ``max_shift_ms`` is the farthest that an onset was moved. ``performed`` says that the notes were off the grid,
    ``part`` is the name of the track that has the melody, ``why`` is what speaks for it.
    """

    melody: Melody
    roots: tuple[tuple[int, int, int], ...] = ()
    moved: int = 0
    max_shift_ms: float = 0.0
    performed: bool = False
    part: str = ""
    why: str = ""
    notices: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """True where every note is where the file has it."""
        return self.moved == 0

    @property
    def tempo_bpm(self) -> float:
        """Quarter notes a minute where the melody begins."""
        return self.melody.bpm

    @property
    def pickup(self) -> int:
        """Length of the incomplete first bar in ticks, 0 when there is none."""
        return self.melody.pickup


def read_song(source: Path | str | bytes) -> Song:
    """Return the melody of a MIDI file, given as its path or its bytes.

    Raises:
        MidiFileError: the file cannot be read as MIDI, or has no note that is not percussion.
    """
    return song(read(source))


def song(phrase: Phrase) -> Song:
    """Return the melody of a phrase.

    Raises:
        MidiFileError: the phrase has no note that is not percussion.
    """
    choice = melody_part(phrase)
    if choice is None:
        what = "only percussion" if phrase.parts else "no notes"
        raise MidiFileError(f"The file has {what}; give one with a melody.")
    part, why, notices = choice.part, choice.why, list(phrase.notices)
    line, rest = _divided(phrase, part)
    if len(line) > MAX_NOTES or len(rest) > 4 * MAX_NOTES:
        line, rest = line[:MAX_NOTES], rest[: 4 * MAX_NOTES]
        notices.append(f"The file is long: the first {MAX_NOTES} notes were read.")
    harmony: list[Root] = []
    if not line:
        harmony = _harmony(rest, phrase, 0.0)
        line = _root_voice(rest, harmony, phrase)
        why = "the roots of its chords"
        notices.append("There are chords and no melody: the melody is the root of each chord.")
    bpm = _at(phrase.tempos, line[0].onset).bpm
    voice = settle(line, phrase.ppq, phrase.metres[0], bpm)
    melody = _melody(voice, phrase, part, bpm, rest)
    if not harmony:
        start = (voice.lead + melody.pickup) * phrase.ppq / PPQ
        harmony = _harmony(rest or _broken(line, phrase.ppq), phrase, start)
    if voice.performed:
        notices.append(f"Played freely: {voice.lead * 60_000 / bpm / PPQ:.0f} ms before the first bar were taken off.")
    return Song(
        melody,
        tuple(_on_grid(harmony, voice, phrase.ppq)),
        voice.moved,
        round(voice.shift * 60_000 / bpm / PPQ, 3),
        voice.performed,
        part.name,
        why,
        tuple(notices),
    )


def _divided(phrase: Phrase, part: Part) -> tuple[list[Note], list[Note]]:
    """Return the melody and the notes that accompany it, in whatever part; no melody where there are only chords."""
    others = [] if phrase.independent else [p for p in phrase.parts if p is not part and not p.is_percussion]
    line, rest = voices(part.notes, spread_ticks(phrase))
    notes = sorted([*rest, *(note for other in others for note in other.notes)]) if others else rest
    if line and others and is_bass(part, others, spread_ticks(phrase)):
        return [], sorted([*notes, *line])
    return line, notes


def _harmony(notes: Sequence[Note], phrase: Phrase, origin: float) -> list[Root]:
    """Return the chords of an accompaniment, ``origin`` being a bar line in ticks of the file."""
    if not notes:
        return []
    bar = phrase.metres[0].bar(phrase.ppq)
    return roots(notes, spread_ticks(phrase), phrase.ppq, bar, round(origin))


def _broken(line: Sequence[Note], ppq: int) -> list[Note]:
    """Return a melody that consists of broken chords: even notes, mostly a third or more apart; else nothing."""
    if len(line) < 8:
        return []
    gaps = [b.onset - a.onset for a, b in pairwise(line)]
    usual = sorted(gaps)[len(gaps) // 2]
    even = sum(abs(gap - usual) < 0.25 * usual for gap in gaps) / len(gaps)
    leaps = sum(abs(b.pitch - a.pitch) >= 3 for a, b in pairwise(line)) / len(gaps)
    return list(line) if usual <= ppq and even >= 0.7 and leaps >= 0.7 else []


def _root_voice(notes: Sequence[Note], harmony: Sequence[Root], phrase: Phrase) -> list[Note]:
    """Return one note of the root for each time that a chord is struck."""
    line: list[Note] = []
    onsets = [root.onset for root in harmony]
    for group in chords(notes, spread_ticks(phrase)):
        onset = group[0].onset
        here = harmony[max(0, bisect_right(onsets, onset) - 1)]
        if here.onset <= onset < here.end and len(group) > 1:
            end = max(note.end for note in group)
            velocity = sum(note.velocity for note in group) // len(group)
            line.append(Note(onset, end - onset, here.pitch, velocity))
    return line


def _melody(voice: Voice, phrase: Phrase, part: Part, bpm: float, rest: Sequence[Note]) -> Melody:
    """Return the melody of a voice: its metres, its first bar and its length."""
    # Of metres that come to the same tick the last one holds.
    changes: dict[int, Metre] = {}
    for metre in phrase.metres[:MAX_METRES]:
        onset = max(0, round(metre.onset * PPQ / phrase.ppq - voice.lead))
        changes[onset] = replace(metre, onset=onset)
    metres = list(changes.values())
    last = voice.notes[-1].end
    end = last if voice.performed else round(part.length * PPQ / phrase.ppq)
    length = end if last < end <= last + TRAILING_BARS * metres[-1].bar(PPQ) else last
    first = metres[0].bar(PPQ)
    if len(metres) > 1 and metres[1].onset == first < metres[1].bar(PPQ):
        # Notation programs write a pickup as a first bar with a short metre of its own.
        return Melody(voice.notes, length, (replace(metres[1], onset=0), *metres[2:]), first, bpm)
    change = metres[1].onset if len(metres) > 1 else 0
    short = 0 if voice.performed else pickup(voice.notes, metres[0], length, change)
    if short and _is_held(rest, short * phrase.ppq / PPQ):
        short = 0
    return Melody(voice.notes, length, tuple(m for m in metres if m.onset < length), short, bpm)


def _is_held(notes: Sequence[Note], line: float) -> bool:
    """Say whether chords are held over what would be the first bar line: then it is none."""
    return sum(note.onset < line and note.end > 1.5 * line for note in notes) >= 2


def _on_grid(harmony: Sequence[Root], voice: Voice, ppq: int) -> Iterator[tuple[int, int, int]]:
    """Yield the chords as onset, duration and pitch class on the grid."""
    onsets = np.array([note.onset for note in voice.notes])

    def tick(time: int) -> int:
        exact = time * PPQ / ppq - voice.lead
        if not voice.performed:
            return round(exact)
        # A chord begins with a note of the melody, or on a sixteenth.
        nearest = int(onsets[np.abs(onsets - exact).argmin()])
        return nearest if abs(nearest - exact) < 2 else 6 * round(exact / 6)

    free = 0
    for root in harmony:
        onset = max(free, tick(root.onset))
        free = max(tick(root.end), onset + 1)
        yield onset, free - onset, root.pitch_class


def _at(tempos: Sequence[Tempo], tick: int) -> Tempo:
    """Return the tempo that holds at a tick."""
    return max((tempo for tempo in tempos if tempo.onset <= tick), default=tempos[0])
