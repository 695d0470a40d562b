"""Notes as they were played or written, before any grid: the raw material of a melody.

ports, midifile -> [phrase] -> melody

*Units*: every time is an integer in ticks of ``Phrase.ppq`` per quarter note. A live phrase uses
``LIVE_PPQ``; a phrase from a file keeps the division of the file, so nothing is rounded here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LIVE_PPQ = 960
"""Ticks per quarter note of a captured phrase: 0.52 ms at 120 bpm, finer than MIDI's 0.96 ms a message."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note: ``onset`` and ``duration`` in ticks (duration > 0), ``pitch`` and ``velocity`` 0-127."""

    onset: int
    duration: int
    pitch: int
    velocity: int = 80

    @property
    def end(self) -> int:
        """Tick at which the note is released."""
        return self.onset + self.duration


@dataclass(frozen=True, slots=True, order=True)
class Metre:
    """A time signature that holds from ``onset`` (ticks) on: ``numerator`` / ``denominator``."""

    onset: int
    numerator: int = 4
    denominator: int = 4

    def bar(self, ppq: int) -> int:
        """Length of one bar in ticks of ``ppq`` per quarter note, at least 1."""
        return max(1, self.numerator * 4 * ppq // self.denominator)


@dataclass(frozen=True, slots=True, order=True)
class Tempo:
    """``bpm`` quarter notes a minute from ``onset`` (ticks) on."""

    onset: int
    bpm: float = 120.0


@dataclass(frozen=True, slots=True)
class Part:
    """The notes of one (track, channel) of a file, ordered by onset, or everything that was played live."""

    notes: tuple[Note, ...]
    name: str = ""
    track: int = 0
    channel: int = 0
    program: int = 0
    length: int = 0
    """Tick at which the track ends, 0 where nothing says so."""

    @property
    def is_percussion(self) -> bool:
        """True for General MIDI's percussion channel (channel 10, here 9)."""
        return self.channel == 9


@dataclass(frozen=True, slots=True)
class Phrase:
    """Everything that was written in a file or played between two rests; ``length`` in ticks of ``ppq``."""

    parts: tuple[Part, ...]
    ppq: int = LIVE_PPQ
    length: int = 0
    metres: tuple[Metre, ...] = (Metre(0),)
    tempos: tuple[Tempo, ...] = (Tempo(0),)
    notices: tuple[str, ...] = field(default=())
    """Sentences about what was repaired or left out while reading."""
    independent: bool = False
    """True where the parts are songs of their own (a MIDI file of type 2)."""
