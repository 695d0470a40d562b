"""What was played and answered in this session, gathered from what the engine shows, as MIDI files.

viewers -> [takes] -> midifile

An answer is shown piece by piece, each with all its notes; a piece that changes while it is played replaces itself, and
what was not reached when it ended has not been played. The recorder of the front keeps every message with its time;
here is what can be dragged out of the page without it.

*Units*: ticks of the transport in, 24 to the quarter note; seconds of the monotonic clock inside. A phrase that was
played is on the grid, and ends at the moment when it was heard to be over. *Threading*: the server's thread.
*Errors*: ``MidiFileError`` where there is nothing to write.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnae_live.clock import PPQ
from rnnae_live.errors import MidiFileError
from rnnae_live.midifile import write_recording

MOST_NOTES = 100_000
"""Notes of a session that are kept; the oldest go first."""

Sounded = tuple[float, float, int, int]
"""On and off in seconds, pitch, velocity."""


@dataclass(slots=True)
class _Piece:
    """A piece that is being played: its place, its notes, and the line that its ticks lie on."""

    start: float
    at: int
    length: float
    notes: list[Sounded]

    def until(self, now: float) -> list[Sounded]:
        """Return what has sounded by ``now`` (s)."""
        return [(on, min(off, now), pitch, velocity) for on, off, pitch, velocity in self.notes if on < now]


@dataclass(slots=True)
class _Part:
    """What is kept of a part: the piece that sounds, the answer so far, and everything before."""

    heard: object
    piece: _Piece | None = None
    answer: list[Sounded] = field(default_factory=list)
    shown: object = None
    """What the piece was made of."""
    playing: object = None


class Takes:
    """All that has sounded."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._parts: dict[str, _Part] = {}
        self._played: list[Sounded] = []
        self._answered: list[Sounded] = []
        self._last: _Part | None = None
        self._bpm = 120.0

    def see(self, seen: Mapping[str, Any]) -> None:
        """Take a whole view of the engine at its moment ``at``."""
        now, transport = seen.get("at"), seen.get("transport")
        if not isinstance(now, float) or not transport:
            return
        self._bpm = float(transport["bpm"])
        second = 60.0 / (self._bpm * PPQ)
        for number, view in seen.get("parts", {}).items():
            # What was heard before anybody looked has no moment here.
            part = self._parts.setdefault(number, _Part(view["heard"]))
            self._hear(part, view["heard"], now, second)
            self._walk(part, view["playing"], float(transport["origin"]), second, now)

    def answer(self, number: int | None = None) -> bytes:
        """Return the last answer, of all parts or of the one with a number, as a MIDI file from its first note on.

        Raises:
            MidiFileError: nothing has been answered yet.
        """
        part = self._last if number is None else self._parts.get(str(number))
        notes = [] if part is None else [*part.answer, *(part.piece.notes if part.piece else [])]
        if not notes:
            raise MidiFileError("Nothing has been answered yet; play a phrase first.")
        return self._file({"Answer": notes})

    def session(self) -> bytes:
        """Return everything as a MIDI file: what was played, and what was answered.

        Raises:
            MidiFileError: nothing has sounded yet.
        """
        sounding = [note for part in self._parts.values() if part.piece for note in part.piece.notes]
        tracks = {"Played": list(self._played), "Answered": [*self._answered, *sounding]}
        if not any(tracks.values()):
            raise MidiFileError("Nothing has been played yet; play a phrase first.")
        return self._file(tracks)

    def _hear(self, part: _Part, heard: Mapping[str, Any] | None, now: float, second: float) -> None:
        if heard is None or heard is part.heard or heard == part.heard:
            return
        part.heard = heard
        notes = heard["notes"]
        end = max((onset + duration for onset, duration, *_ in notes), default=0)
        begin = now - end * second
        self._keep(
            self._played,
            (
                (begin + on * second, begin + (on + long) * second, pitch, velocity)
                for on, long, pitch, velocity in notes
            ),
        )

    def _walk(self, part: _Part, playing: Mapping[str, Any] | None, origin: float, second: float, now: float) -> None:
        before = part.piece
        if playing is None:
            self._end(part, now)
            part.shown = None
            return
        # What has not changed is the same object.
        if part.shown == (id(playing), origin, second):
            return
        part.shown = (id(playing), origin, second)
        part.playing = playing
        start, at, length = float(playing["start"]), int(playing["at"]), float(playing["length"])
        notes = [(origin + on * second, origin + off * second, pitch, velocity)
                 for on, off, pitch, velocity in playing["notes"]]  # fmt: skip
        if before is not None and (before.start, before.at) != (start, at):
            goes_on = at == before.at + 1 and abs(start - before.start - before.length) < 1.0
            self._end(part, now)
            if not goes_on:
                part.answer = []
        elif before is None:
            part.answer = []
        part.piece = _Piece(start, at, length, notes)
        self._last = part

    def _end(self, part: _Part, now: float) -> None:
        """Let what has sounded of a piece be a part of its answer, and of the session."""
        if part.piece is None:
            return
        sounded, part.piece = part.piece.until(now), None
        self._keep(part.answer, sounded)
        self._keep(self._answered, sounded)

    @staticmethod
    def _keep(line: list[Sounded], notes: Iterable[Sounded]) -> None:
        line.extend(notes)
        del line[: max(0, len(line) - MOST_NOTES)]

    def _file(self, tracks: Mapping[str, list[Sounded]]) -> bytes:
        """Return a file of tracks that begins with the first note, at the tempo of now."""
        begin = min(on for notes in tracks.values() for on, *_ in notes)
        channel = dict(zip(tracks, range(len(tracks)), strict=True))
        with tempfile.TemporaryDirectory(prefix="rnnae-live-") as folder:
            path = Path(folder) / "take.mid"
            write_recording(
                path,
                {name: _messages(notes, begin, channel[name]) for name, notes in tracks.items()},
                [(0.0, self._bpm)],
            )
            return path.read_bytes()


def _messages(notes: Iterable[Sounded], begin: float, channel: int) -> list[tuple[float, bytes]]:
    """Return the messages of notes, a note ending before another one begins at the same moment."""
    messages = []
    for on, off, pitch, velocity in notes:
        messages.append((on - begin, 1, bytes((0x90 | channel, pitch, max(1, velocity)))))
        messages.append((max(off, on + 0.001) - begin, 0, bytes((0x80 | channel, pitch, 64))))
    return [(at, data) for at, _, data in sorted(messages)]
