"""The chunks and events of a Standard MIDI File: bytes to tracks, repairing what can be repaired.

.mid -> [chunks] -> midifile

Unknown chunks and events are skipped with their delta kept, wrong chunk lengths are found out by what follows, running
status outlives meta events, a variable-length quantity ends after 4 bytes. Every byte is looked at a bounded number
of times, so time is linear whatever the bytes are.

*Units*: ticks of the file's own division.
*Errors*: ``MidiFileError`` where there is no MIDI header or more than the caps allow.
*Source*: "Standard MIDI Files 1.0" (MIDI Manufacturers Association, RP-001).
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

from rnnae_live.errors import MidiFileError
from rnnae_live.phrase import Metre, Tempo

MAX_BYTES = 4_000_000
"""Largest file that is read."""

MAX_EVENTS = 300_000
"""Most events that are read."""

FILE_PPQ = 480
"""Ticks per quarter note of the files that are written, and of a file whose division is 0."""

MAX_BPM = 1000.0
"""Faster tempos are ignored: they come from damaged files."""

NAME_LENGTH = 80
"""Characters of a track name that are kept."""

Span = tuple[int, int, int, int]
"""Onset, duration, pitch and velocity of one note, as read."""


def printable(text: str, length: int = NAME_LENGTH) -> str:
    """Return ``text`` on one line, without control and formatting characters, at most ``length`` characters long.

    Titles in MIDI files are anyone's text: escape sequences, line breaks and direction overrides must not reach a
    terminal or a page.
    """
    kept = (" " if c.isspace() else c for c in text[: 4 * length] if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join("".join(kept).split())[:length]


@dataclass(slots=True)
class Track:
    """What one track chunk holds, in ticks of the file."""

    name: str = ""
    end: int = 0
    metres: list[Metre] = field(default_factory=list)
    tempos: list[Tempo] = field(default_factory=list)
    programs: dict[int, int] = field(default_factory=dict)
    notes: dict[int, list[Span]] = field(default_factory=dict)
    """The notes of each channel, once the track is closed."""
    keys: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Tick and velocity (0: note-off) of what happens to each key, by channel * 128 + pitch."""

    def close(self, ppq: int) -> int:
        """Make notes of the attacks and releases; return how many had no release.

        These end at the next attack of their channel, or with the track, or after a quarter note where even that is
        not later.
        """
        left = []
        for key, events in self.keys.items():
            ended, open_ended = _paired(events)
            channel, pitch = key >> 7, key & 127
            spans = ((onset, max(1, end - onset), pitch, velocity) for onset, end, velocity in ended)
            self.notes.setdefault(channel, []).extend(spans)
            left += [(channel, pitch, onset, velocity) for onset, velocity in open_ended]
        attacks: dict[int, list[int]] = {}
        for channel in {entry[0] for entry in left}:
            closed = [span[0] for span in self.notes[channel]]
            attacks[channel] = sorted(closed + [entry[2] for entry in left if entry[0] == channel])
        for channel, pitch, onset, velocity in left:
            onsets = attacks[channel]
            after = bisect_right(onsets, onset)
            end = onsets[after] if after < len(onsets) else self.end
            self.notes[channel].append((onset, end - onset if end > onset else ppq, pitch, velocity))
        self.keys.clear()
        self.notes = {channel: spans for channel, spans in self.notes.items() if spans}
        return len(left)


def _paired(events: list[tuple[int, int]]) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    """Return (onset, end, velocity) of the notes of one key, and (onset, velocity) of those without note-off.

    The first attack gets the first release, which is right for repeated notes that overlap. Where that leaves attacks
    over, note-offs were lost, and a release belongs to the latest attack.
    """
    waiting: deque[tuple[int, int]] = deque()
    ended = []
    for tick, velocity in events:
        if velocity:
            waiting.append((tick, velocity))
        elif waiting:
            onset, strength = waiting.popleft()
            ended.append((onset, tick, strength))
    if not waiting:
        return ended, []
    ended, lost = [], []
    sounding: tuple[int, int] | None = None
    for tick, velocity in events:
        if velocity:
            if sounding:
                lost.append(sounding)
            sounding = (tick, velocity)
        elif sounding:
            ended.append((sounding[0], tick, sounding[1]))
            sounding = None
    return ended, [*lost, sounding] if sounding else lost


class Reader:
    """Walks the chunks and events of one file once, from front to back.

    After ``read``: ``kind`` is the file's type 0-2, ``ppq`` its ticks per quarter note, ``rate`` its ticks per second
    where the division counts SMPTE frames (``ppq`` means nothing then), ``notices`` what was repaired.
    """

    def __init__(self, data: bytes, name: str) -> None:
        """Keep the bytes; ``name`` is how messages call the file."""
        self.data = data
        self.name = name
        self.events = 0
        self.notices: list[str] = []
        self.kind = 1
        self.ppq = FILE_PPQ
        self.rate: Fraction | None = None

    def read(self) -> list[Track]:
        """Return the tracks of the file; ``kind``, ``ppq`` and ``rate`` are set.

        Raises:
            MidiFileError: no MIDI file, or more than the caps allow.
        """
        if len(self.data) > MAX_BYTES:
            raise MidiFileError(f"{self.name} is larger than {MAX_BYTES // 1_000_000} MB; cut it into smaller files.")
        pos = self._header()
        tracks = self._tracks(pos)
        hanging = sum(track.close(self.ppq) for track in tracks)
        if hanging:
            self.note(f"{hanging} notes had no note-off; each ends at the next attack or with its track.")
        return tracks

    def note(self, sentence: str) -> None:
        """Remember a sentence about what was repaired, once."""
        if sentence not in self.notices:
            self.notices.append(sentence)

    def _header(self) -> int:
        """Read type and division; return the position of the first chunk. A RIFF wrapper is looked through."""
        start = self.data.find(b"MThd", 0, 1024)
        if start < 0 or len(self.data) < start + 14:
            what = "is empty" if not self.data else "is not a MIDI file (it has no MThd header)"
            raise MidiFileError(f"{self.name} {what}; give a Standard MIDI File (.mid).")
        if start:
            self.note(f"{start} bytes before the MIDI header were skipped.")
        size, kind, _, division = (
            int.from_bytes(self.data[start + a : start + b], "big") for a, b in ((4, 8), (8, 10), (10, 12), (12, 14))
        )
        if kind > 2:
            self.note(f"File type {kind} does not exist; read as type 1.")
            kind = 1
        self.kind = kind
        self._division(division)
        pos = start + 8 + size
        return pos if size >= 6 and self._chunk_at(pos) else self._next_track(start + 8)

    def _division(self, division: int) -> None:
        """Set ticks per quarter note, or ticks per second where the division counts SMPTE frames."""
        if division & 0x8000 and division & 0xFF:
            frames = 256 - (division >> 8)
            # 29 stands for the 29.97 frames a second of drop-frame time code.
            self.rate = (Fraction(30000, 1001) if frames == 29 else Fraction(frames)) * (division & 0xFF)
        elif 0 < division < 0x8000:
            self.ppq = division
        else:
            self.note(f"The division of the file counts nothing; {FILE_PPQ} ticks to the quarter note are assumed.")

    def _chunk_at(self, pos: int) -> bool:
        """Say whether a chunk can begin here: the end of the file, or four printable letters."""
        kind = self.data[pos : pos + 4]
        return pos == len(self.data) or (len(kind) == 4 and all(32 <= c < 127 for c in kind))

    def _next_track(self, pos: int) -> int:
        found = self.data.find(b"MTrk", pos)
        return found if found >= 0 else len(self.data)

    def _tracks(self, pos: int) -> list[Track]:
        """Return all tracks; every byte is looked at a bounded number of times."""
        tracks = []
        while pos + 8 <= len(self.data):
            kind, body = self.data[pos : pos + 4], pos + 8
            end = body + int.from_bytes(self.data[pos + 4 : body], "big")
            if not self._chunk_at(end):
                self.note("A chunk's length is wrong; its end was found by what follows it.")
                end = self._next_track(body)
            if kind == b"MTrk":
                track = Track()
                after = self._events(track, body, end)
                tracks.append(track)
                end = after if self.data[after : after + 4] == b"MTrk" else end
            pos = end
        return tracks

    def _events(self, track: Track, pos: int, limit: int) -> int:
        """Read the events between two positions into ``track``; return the position after the last one."""
        data, status, now = self.data, 0, 0
        while pos < limit:
            delta, pos = _number(data, pos, limit)
            now += delta
            self.events += 1
            if self.events > MAX_EVENTS:
                raise MidiFileError(f"{self.name} has more than {MAX_EVENTS} events; cut it into smaller files.")
            if pos >= limit:
                break
            byte = data[pos]
            if byte >= 0xF0:
                pos = self._system(track, now, pos, limit)
                if pos < 0:
                    track.end = now
                    return -pos
                continue
            if byte >= 0x80:
                status = byte
                pos += 1
            elif not status:
                self.note("Bytes that belong to no event were skipped.")
                while pos < limit and data[pos] < 0x80:
                    pos += 1
                continue
            pos = self._voice(track, now, status, pos, limit)
        self.note("A track ends without an end-of-track event.")
        track.end = now
        return limit

    def _voice(self, track: Track, now: int, status: int, pos: int, limit: int) -> int:
        """Read the data bytes of one channel event; return the position after them."""
        kind = status & 0xF0
        after = pos + (1 if kind in {0xC0, 0xD0} else 2)
        if after > limit:
            self.note("The file is cut off inside an event; everything before it was read.")
            return limit
        first = self.data[pos] & 127
        key = (status & 15) << 7 | first
        if kind in {0x80, 0x90}:
            velocity = self.data[pos + 1] & 127 if kind == 0x90 else 0
            events = track.keys.get(key)
            if events is not None:
                events.append((now, velocity))
            elif velocity:
                track.keys[key] = [(now, velocity)]
        elif kind == 0xC0:
            track.programs.setdefault(status & 15, first)
        return after

    def _system(self, track: Track, now: int, pos: int, limit: int) -> int:
        """Read a meta, SysEx or system event; return the position after it, negative after an end of track."""
        status = self.data[pos]
        if status not in {0xF0, 0xF7, 0xFF}:
            return min(limit, pos + {0xF1: 2, 0xF2: 3, 0xF3: 2}.get(status, 1))
        head = pos + (2 if status == 0xFF else 1)
        size, start = _number(self.data, head, limit)
        end = start + size
        if status != 0xFF:
            if end > limit:
                self.note("A SysEx message is longer than its track; it was skipped.")
                ended = self.data.find(b"\xf7", head, limit)
                end = ended + 1 if ended >= 0 else limit
            return end
        kind = self.data[pos + 1] if pos + 1 < limit else 0x2F
        if kind == 0x2F:
            return -min(limit, end)
        if end > limit:
            self.note("A meta event is longer than its track; the track ends there.")
            return limit
        self._meta(track, now, kind, self.data[start:end])
        return end

    def _meta(self, track: Track, now: int, kind: int, body: bytes) -> None:
        """Keep track names, tempos and metres; everything else is for others."""
        if kind in {0x03, 0x04} and not track.name:
            track.name = printable(_decoded(body[: 4 * NAME_LENGTH]))
        elif kind == 0x51:
            microseconds = int.from_bytes(body[:3], "big") if len(body) >= 3 else 0
            if microseconds * MAX_BPM < 60e6:
                self.note("A tempo that cannot be was ignored.")
            else:
                track.tempos.append(Tempo(now, round(60e6 / microseconds, 2)))
        elif kind == 0x58:
            # A bar shorter than an eighth or longer than 16 whole notes is damage, not music.
            metre = Metre(now, body[0], 2 ** body[1]) if len(body) >= 2 and body[1] <= 6 and body[0] else None
            if metre is None or not Fraction(1, 8) <= Fraction(metre.numerator, metre.denominator) <= 16:
                self.note("A time signature that cannot be was ignored.")
            else:
                track.metres.append(metre)


def _number(data: bytes, pos: int, limit: int) -> tuple[int, int]:
    """Return a variable-length quantity and the position after it; it ends after 4 bytes, whatever they say."""
    value = 0
    for after in range(pos + 1, min(pos + 4, limit) + 1):
        byte = data[after - 1]
        value = value << 7 | byte & 127
        if byte < 0x80:
            return value, after
    return value, min(pos + 4, limit)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")
