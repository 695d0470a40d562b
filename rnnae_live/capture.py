"""Capture: key events in, finished phrases out.

ports, events -> [capture] -> phrase

A phrase begins with its first note and is over when nothing has sounded for ``rest`` seconds, when somebody
says so (``finish``), or when it has grown to ``MOST_NOTES`` notes. It stands apart from ``phrase``, which holds
the types that files share, because it alone knows channels, keys that are held, and time in seconds.

*Units*: seconds in, ticks of ``LIVE_PPQ`` out; tick 0 is the first note's onset.
*Errors*: none. A note-off without its note is ignored; a note whose note-off is lost ends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from rnnae_live.events import NoteOff, NoteOn
from rnnae_live.phrase import LIVE_PPQ, Note, Part, Phrase, Tempo

MOST_NOTES = 512
"""Notes after which a phrase ends by itself, so that memory and the time to answer are bounded."""

LONGEST_NOTE = 12.0
"""Seconds after which a key that is still held counts as one whose note-off was lost."""


@dataclass(frozen=True, slots=True)
class Performance:
    """A finished phrase: ``origin`` is the moment (s) of its tick 0, ``end`` that of its last note-off."""

    phrase: Phrase
    origin: float
    end: float
    channel: int


@dataclass(slots=True)
class _Played:
    """A note that was played, in seconds; ``end`` is None while it is held."""

    on: NoteOn
    end: float | None = None


class Capture:
    """Collects one phrase at a time. ``rest`` is the silence in seconds that ends it."""

    def __init__(self, bpm: float, rest: float) -> None:
        """Start with nothing played."""
        self.bpm = bpm
        self.rest = rest
        self._played: list[_Played] = []
        self._held: dict[tuple[int, int], _Played] = {}
        self._silent_since = 0.0

    @property
    def empty(self) -> bool:
        """True until the first note of a phrase."""
        return not self._played

    @property
    def full(self) -> bool:
        """True when the phrase has as many notes as one may have."""
        return len(self._played) >= MOST_NOTES

    def latest(self, most: int) -> list[tuple[float, float | None, int, int]]:
        """Return the last notes of the phrase so far: on and off (s, None while it is held), pitch, velocity."""
        return [(note.on.time, note.end, note.on.pitch, note.on.velocity) for note in self._played[-most:]]

    @property
    def began(self) -> float:
        """The moment (s) of the first note of the phrase, 0 where there is none."""
        return min((note.on.time for note in self._played), default=0.0)

    @property
    def quiet_since(self) -> float | None:
        """Since when (s) nothing sounds, None while a key is held or before the first note."""
        return None if self.empty or self._held else self._silent_since

    def feed(self, event: NoteOn | NoteOff) -> None:
        """Take one key event; a second note-on of a held key ends the first."""
        key = (event.channel, event.pitch)
        held = self._held.pop(key, None)
        if held is not None:
            held.end = max(event.time, held.on.time)
            self._silent_since = max(self._silent_since, held.end)
        if isinstance(event, NoteOn) and not self.full:
            self._played.append(_Played(event))
            self._held[key] = self._played[-1]

    def ends_at(self) -> float | None:
        """Return when the phrase will be over if nothing more is played, None where there is no phrase."""
        if self.empty:
            return None
        held = max((note.on.time + LONGEST_NOTE for note in self._held.values()), default=0.0)
        return max(self._silent_since, held) + self.rest

    def finish(self, now: float) -> Performance | None:
        """Return what was played and begin anew; keys still held end at ``now``. None where nothing was played."""
        if self.empty:
            return None
        played = sorted(self._played, key=lambda note: note.on.time)
        for note in played:
            note.end = min(now if note.end is None else note.end, note.on.time + LONGEST_NOTE)
        self._played, self._held = [], {}
        origin = played[0].on.time
        notes = tuple(sorted(self._note(note, origin) for note in played))
        length = max(note.end for note in notes)
        part = Part(notes, "played", channel=played[0].on.channel, length=length)
        phrase = Phrase((part,), LIVE_PPQ, length, tempos=(Tempo(0, self.bpm),))
        end = max(note.end or 0.0 for note in played)
        return Performance(phrase, origin, end, played[0].on.channel)

    def clear(self) -> None:
        """Forget the phrase that is being played."""
        self._played, self._held = [], {}

    def _note(self, note: _Played, origin: float) -> Note:
        """Return a played note in ticks; it lasts at least one."""
        ticks = self.bpm * LIVE_PPQ / 60.0
        onset = round((note.on.time - origin) * ticks)
        end = round(((note.end or 0.0) - origin) * ticks)
        return Note(onset, max(1, end - onset), note.on.pitch, note.on.velocity)
