"""A song as the instrument hears it: any MIDI file, or anything played, as one voice on the grid.

midifile -> phrase -> [song] -> melody -> tokens

*Units*: ticks of the grid, 24 to the quarter note, from the start of the file.
*Errors*: ``MidiFileError`` where there is no file that can be read, or no note in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rnnae_live.errors import MidiFileError
from rnnae_live.melody import PPQ, Melody, voice
from rnnae_live.midifile import read
from rnnae_live.phrase import Metre, Phrase


@dataclass(frozen=True, slots=True)
class Song:
    """What was made of a file, and how much it had to be moved for it.

    ``roots`` are (onset, duration, pitch class 0-11) of the chords, empty where there are none. ``moved`` counts the
    notes whose onset or end is not where the file has it, ``max_shift_ms`` is the farthest of these ways, and
    ``exact`` says that there are none.
    """

    melody: Melody
    roots: tuple[tuple[int, int, int], ...] = ()
    exact: bool = True
    moved: int = 0
    max_shift_ms: float = 0.0
    part: str = ""
    notices: tuple[str, ...] = ()

    @property
    def tempo_bpm(self) -> float:
        """Quarter notes a minute at the start."""
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
    parts = [part for part in phrase.parts if not part.is_percussion] or list(phrase.parts)
    if not parts:
        raise MidiFileError("The file has no notes; give one with a melody.")
    part = parts[0]
    notes = []
    moved = 0
    for note in part.notes:
        onset, end = round(note.onset * PPQ / phrase.ppq), round(note.end * PPQ / phrase.ppq)
        moved += (onset * phrase.ppq, end * phrase.ppq) != (note.onset * PPQ, note.end * PPQ)
        notes.append(replace(note, onset=onset, duration=max(1, end - onset)))
    line = voice(notes)
    metres = tuple(Metre(round(m.onset * PPQ / phrase.ppq), m.numerator, m.denominator) for m in phrase.metres)
    length = max(line[-1].end, round(part.length * PPQ / phrase.ppq))
    melody = Melody(line, length, metres, 0, phrase.tempos[0].bpm)
    return Song(melody, exact=not moved, moved=moved, part=part.name, notices=phrase.notices)
