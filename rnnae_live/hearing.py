"""What was played, as the instrument heard it: on the grid, as states, and how it felt.

capture -> [hearing] -> part

A free phrase begins at its first note. A phrase that was played to a running clock stays where it lies between two
lines of it: its rests at the beginning are part of it.

*Units*: seconds of the monotonic clock in, ticks of 24 to the quarter note out.
*Errors*: ``RnnaeError`` where a phrase has no note to use.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rnnae_live.capture import Performance
from rnnae_live.clock import PPQ, SIXTEENTH, Clock
from rnnae_live.feel import Groove, groove
from rnnae_live.melody import Melody
from rnnae_live.phrase import Metre, Note
from rnnae_live.song import song
from rnnae_live.state import Chain
from rnnae_live.voices import Voices


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A phrase: its melody, its states, the channel on which it was played, and its loudness and timing."""

    melody: Melody
    chain: Chain
    channel: int = 0
    groove: Groove | None = None


def hear(voices: Voices, performance: Performance) -> Heard:
    """Return a phrase that begins with its first note and fills its bars.

    Raises:
        RnnaeError: the phrase has no note to use.
    """
    melody = whole_bars(on_grid(performance))
    return Heard(melody, voices.encode(melody), performance.channel, groove(performance.phrase, melody))


def hear_turn(
    voices: Voices, performance: Performance, clock: Clock, begin: float, length: int, metre: Metre
) -> Heard | None:
    """Return what was played in the ``length`` ticks from tick ``begin`` of a running clock; None for nothing.

    A note up to a sixteenth before the line belongs to the line.
    """
    melody = on_grid(performance)
    played = round((clock.tick(performance.origin) - begin) / SIXTEENTH) * SIXTEENTH
    by = played - melody.notes[0].onset
    notes = [replace(note, onset=note.onset + by) for note in melody.notes]
    inside = tuple(
        replace(note, duration=min(note.end, length) - note.onset) for note in notes if 0 <= note.onset < length
    )
    if not inside:
        return None
    turn = Melody(inside, length, (replace(metre, onset=0),), bpm=clock.bpm)
    return Heard(turn, voices.encode(turn), performance.channel, groove(performance.phrase, turn))


def on_grid(performance: Performance) -> Melody:
    """Return a phrase as one voice on the grid.

    Raises:
        RnnaeError: the phrase has no note to use.
    """
    # Live, the performer's channel does not say that the notes are percussion.
    parts = tuple(replace(part, channel=0) for part in performance.phrase.parts)
    return song(replace(performance.phrase, parts=parts)).melody


def whole_bars(melody: Melody) -> Melody:
    """Return the melody with its last bar filled up with rest."""
    last = melody.bars()[-1]
    if last == melody.length and last > 0:
        return melody
    metre = max((one for one in melody.metres if one.onset <= last), default=melody.metres[0])
    return replace(melody, length=last + metre.bar(PPQ))


def whole_bars_of(chain: Chain) -> Chain:
    """Return a chain without its pickup: mixed songs begin together at a bar line."""
    return chain[1:] if len(chain) > 1 and chain[0].pickup else chain


def plain(melody: Melody) -> dict[str, Any]:
    """Return a melody as plain data (JSON)."""
    return {
        "notes": [[n.onset, n.duration, n.pitch, n.velocity] for n in melody.notes],
        "length": melody.length,
        "metres": [[m.onset, m.numerator, m.denominator] for m in melody.metres],
        "pickup": melody.pickup,
        "bpm": melody.bpm,
    }


def from_plain(data: dict[str, Any]) -> Melody:
    """Return the melody that ``plain`` wrote."""
    notes = tuple(Note(*note) for note in data["notes"])
    return Melody(notes, data["length"], tuple(Metre(*m) for m in data["metres"]), data["pickup"], data["bpm"])
