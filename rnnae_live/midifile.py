"""Standard MIDI Files: a reader that takes whatever can be taken, and a writer that never leaves half a file.

.mid -> chunks -> [midifile] -> phrase; melody -> [midifile] -> .mid; recorder -> [midifile] -> .mid

Reads types 0, 1 and 2, metrical and SMPTE division. Damage is repaired where the notes before or around it can be
saved (see ``chunks``), and each repair is a sentence in ``Phrase.notices``.

*Units*: ticks of the file's own division; SMPTE frames become quarter notes at the file's tempo.
*Errors*: ``MidiFileError`` and nothing else, whatever the bytes are.
*Source*: "Standard MIDI Files 1.0" (MIDI Manufacturers Association, RP-001). The reader is our own because mido
raises ten kinds of exception on damaged files, loses the delta of unknown meta events, and takes quadratic time over
a long variable-length quantity. Melodies are written with mido; a recording is written as bytes, because 250,000
messages take mido three seconds and the end of a session has two.
"""

from __future__ import annotations

import io
import stat
import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rnnae_live.chunks import FILE_PPQ, MAX_BYTES, Reader, Track, printable
from rnnae_live.errors import MidiFileError
from rnnae_live.files import write_whole
from rnnae_live.melody import PPQ, Melody
from rnnae_live.phrase import Metre, Note, Part, Phrase, Tempo

if TYPE_CHECKING:
    import mido

MAX_SECONDS = 24 * 3600
"""What lies later than this is left out."""

MAX_QUARTERS = MAX_SECONDS * 5
"""The same at 300 bpm, in quarter notes: bounds the bar lines of a file whose tempo is absurd."""

SMPTE_PPQ = 960
"""Ticks per quarter note that SMPTE frames are turned into where no whole number fits."""

RECORDING_PPQ = 1920
"""Ticks per quarter note of a recording: 0.26 ms at 120 bpm, finer than a note on a DIN cable."""

LONGEST_DELTA = (1 << 28) - 1
"""Most ticks between two events of a track."""

Timed = tuple[float, bytes]
"""Seconds from the beginning of a recording, and one MIDI message."""

Change = TypeVar("Change", Metre, Tempo)


def read(source: Path | str | bytes) -> Phrase:
    """Return the notes, metres and tempos of a MIDI file, one part for each track and channel that has notes.

    Args:
        source: path of the file, or its bytes.

    Raises:
        MidiFileError: there is no such file, it is not a regular file or not a MIDI file, or it is too large.
    """
    if isinstance(source, bytes):
        reader = Reader(source, "This file")
    else:
        path = Path(source)
        reader = Reader(_content(path), f"'{printable(path.name)}'")
    phrase = _assembled(reader.read(), reader)
    if reader.rate:
        phrase = _metrical(phrase, reader.rate)
    phrase = _shortened(phrase, reader)
    return replace(phrase, notices=tuple(reader.notices))


def write(path: Path | str, voices: Melody | Mapping[str, Melody]) -> None:
    """Write one melody, or several named ones that sound together, as a MIDI file of type 1 with 480 ticks a quarter.

    ``read`` gives the same notes, metres and tempo (to a hundredth bpm) back. Metres and tempo are those of the first
    melody; a pickup is written as a first short bar where a time signature can say it. The file is complete or not
    there: it is written under a temporary name, synced and renamed.

    Raises:
        MidiFileError: the file cannot be written.
        ValueError: there is no melody, or its tempo is no tempo.
    """
    named = {"Melody": voices} if isinstance(voices, Melody) else dict(voices)
    data = io.BytesIO()
    _file(named).save(file=data)
    _save(Path(path), data.getvalue())


def write_recording(
    path: Path | str,
    tracks: Mapping[str, Sequence[Timed]],
    tempos: Sequence[tuple[float, float]],
    marks: Sequence[tuple[float, str]] = (),
) -> None:
    """Write what was played and when, as a MIDI file of type 1: a track of tempos and markers, then the named tracks.

    Args:
        path: where to; the file is complete or not there.
        tracks: valid messages in the order in which they came; clock and other system messages are left out, notes
            that still sound at the end are ended there.
        tempos: seconds and bpm (4 to 1000), the first of them from the beginning on.
        marks: seconds and text of the markers.

    Raises:
        MidiFileError: the file cannot be written.
    """
    line = _TempoLine(tempos)
    end = line.tick(max((at for events in (*tracks.values(), marks, tempos) for at, _ in events), default=0.0))
    head = [(tick, _meta(0x51, microseconds.to_bytes(3, "big"))) for _, tick, microseconds in line.changes]
    head += [(line.tick(at), _meta(0x06, printable(text, 200).encode())) for at, text in marks]
    chunks = [_chunk(head, end)]
    for name, events in tracks.items():
        written = [(0, _meta(0x03, printable(name).encode()))]
        sounding: dict[tuple[int, int], bool] = {}
        for at, data in events:
            if data[0] < 0xF0:
                written.append((line.tick(at), data))
                if data[0] < 0xA0:
                    sounding[data[0] & 0x0F, data[1]] = data[0] >= 0x90 and data[2] > 0
            elif data[0] == 0xF0:
                written.append((line.tick(at), b"\xf0" + _quantity(len(data) - 1) + data[1:]))
        written += [(end, bytes((0x80 | channel, pitch, 64))) for (channel, pitch), on in sounding.items() if on]
        chunks.append(_chunk(written, end))
    header = b"MThd" + struct.pack(">LHHH", 6, 1, len(chunks), RECORDING_PPQ)
    _save(Path(path), header + b"".join(chunks))


class _TempoLine:
    """Seconds to ticks of a recording; ``changes`` are seconds, tick and microseconds per quarter note."""

    def __init__(self, tempos: Sequence[tuple[float, float]]) -> None:
        self.changes: list[tuple[float, int, int]] = []
        for at, bpm in sorted(tempos) or [(0.0, 120.0)]:
            microseconds = round(60e6 / bpm)
            self.changes.append((at, self.tick(at), microseconds) if self.changes else (0.0, 0, microseconds))

    def tick(self, at: float) -> int:
        """Return the tick that is nearest to ``at``."""
        since, tick, microseconds = self.changes[bisect_right(self.changes, (max(0.0, at), 1 << 62)) - 1]
        return tick + round((max(0.0, at) - since) * 1e6 * RECORDING_PPQ / microseconds)


def _chunk(events: list[tuple[int, bytes]], end: int) -> bytes:
    """Return the track of events at ticks, in their order where they are at the same tick."""
    body = []
    now = 0
    for tick, event in sorted([*events, (end, _meta(0x2F, b""))], key=lambda entry: entry[0]):
        body += [_quantity(min(tick - now, LONGEST_DELTA)), event]
        now = tick
    content = b"".join(body)
    return b"MTrk" + struct.pack(">L", len(content)) + content


def _meta(kind: int, body: bytes) -> bytes:
    return bytes((0xFF, kind)) + _quantity(len(body)) + body


def _quantity(value: int) -> bytes:
    """Return a variable-length quantity: 7 bits a byte, the last one without the top bit."""
    if value < 0x80:
        return bytes((value,))
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))


def _save(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        write_whole(path, data)
    except OSError as error:
        name = printable(str(path), 200)
        raise MidiFileError(f"'{name}' cannot be written ({error.strerror or error}); choose another place.") from error


def _file(voices: Mapping[str, Melody]) -> mido.MidiFile:
    """Return the file of some voices: a track of tempo and metres, then one track a voice."""
    # mido takes longer to import than `--help` may take.
    import mido

    if not voices:
        raise ValueError("There is no melody to write.")
    head = next(iter(voices.values()))
    if not 4 <= head.bpm <= 1000:
        raise ValueError(f"A file cannot say a tempo of {head.bpm} bpm; choose 4 to 1000.")
    length = max(melody.length for melody in voices.values())
    file = mido.MidiFile(type=1, ticks_per_beat=FILE_PPQ, charset="utf-8")
    events = [(0, mido.MetaMessage("set_tempo", tempo=round(60e6 / head.bpm)))]
    for metre in _written_metres(head):
        message = mido.MetaMessage("time_signature", numerator=metre.numerator, denominator=metre.denominator)
        events.append((metre.onset, message))
    file.tracks.append(_track(events, length))
    for number, (name, melody) in enumerate(voices.items()):
        # Channel 10 is percussion; a seventeenth voice shares the first channel.
        channel = [c for c in range(16) if c != 9][number % 15]
        events = [(0, mido.MetaMessage("track_name", name=printable(name)))]
        for note in melody.notes:
            events.append(
                (note.onset, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity))
            )
            events.append((note.end, mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)))
        file.tracks.append(_track(events, length))
    return file


def _track(events: Iterable[tuple[int, mido.Message]], length: int) -> mido.MidiTrack:
    """Return a track of events at ticks of the grid; at one tick a note ends before the next one begins."""
    import mido

    track = mido.MidiTrack()
    now = 0
    for tick, message in sorted(events, key=lambda event: (event[0], event[1].type != "note_off")):
        track.append(message.copy(time=(tick - now) * FILE_PPQ // PPQ))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=(max(length, now) - now) * FILE_PPQ // PPQ))
    return track


def _written_metres(melody: Melody) -> list[Metre]:
    """Return the metres as a file says them: the pickup as a bar of its own, as notation programs do."""
    metres = list(melody.metres)
    if melody.pickup and metres[0].onset == 0:
        short = Fraction(melody.pickup, 4 * PPQ)
        if short < Fraction(metres[0].numerator, metres[0].denominator) and 64 % short.denominator == 0:
            denominator = max(4, short.denominator)
            numerator = short.numerator * denominator // short.denominator
            metres[:1] = [Metre(0, numerator, denominator), replace(metres[0], onset=melody.pickup)]
    return metres


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file of bearable size."""
    name = printable(str(path), 200)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise MidiFileError(f"'{name}' is {kind}; give the path of a MIDI file.")
        if status.st_size > MAX_BYTES:
            raise MidiFileError(f"'{name}' is larger than {MAX_BYTES // 1_000_000} MB; cut it into smaller files.")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MidiFileError(f"There is no file '{name}'; check the path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MidiFileError(f"'{name}' cannot be read ({reason}); check the path and its permissions.") from error


def _assembled(tracks: list[Track], reader: Reader) -> Phrase:
    """Return the phrase that the tracks make together."""
    programs: dict[int, int] = {}
    for track in tracks:
        for channel, program in track.programs.items():
            programs.setdefault(channel, program)
    parts = []
    for number, track in enumerate(tracks):
        # The name of a track with several channels is the title of the song, not that of an instrument.
        name = track.name if len(track.notes) == 1 else ""
        for channel, spans in sorted(track.notes.items()):
            notes = tuple(Note(*span) for span in sorted(spans))
            program = track.programs.get(channel, programs.get(channel, 0))
            parts.append(Part(notes, name, number, channel, program, track.end))
    timed = tracks
    if reader.kind == 2:
        # The tracks of a type 2 file are songs of their own; the first one with notes and a metre stands for all.
        timed = [t for t in tracks if t.notes and (t.metres or t.tempos)][:1] or tracks
    metres = _settled(Metre(0), [metre for track in timed for metre in track.metres])
    tempos = _settled(Tempo(0), [tempo for track in timed for tempo in track.tempos])
    ends = [track.end for track in tracks] + [note.end for part in parts for note in part.notes]
    return Phrase(tuple(parts), reader.ppq, max(ends, default=0), metres, tempos, (), reader.kind == 2)


def _settled(default: Change, changes: list[Change]) -> tuple[Change, ...]:
    """Return changes in order, the last one of each tick, without those that change nothing, from tick 0 on."""
    last = {change.onset: change for change in changes}
    line = [last.pop(0, default)]
    for onset in sorted(last):
        if replace(last[onset], onset=0) != replace(line[-1], onset=0):
            line.append(last[onset])
    return tuple(line)


def _metrical(phrase: Phrase, rate: Fraction) -> Phrase:
    """Return a phrase whose ticks are ``rate`` a second with ticks that are so many to the quarter note."""
    beats = [Fraction(tempo.bpm).limit_denominator(1000) / 60 / rate for tempo in phrase.tempos]
    exact = 1 / beats[0]
    ppq = int(exact) if len(beats) == 1 and exact.denominator == 1 and exact >= 24 else SMPTE_PPQ
    starts, quarters = [0], [Fraction(0)]
    for before, tempo in zip(beats, phrase.tempos[1:], strict=False):
        quarters.append(quarters[-1] + (tempo.onset - starts[-1]) * before)
        starts.append(tempo.onset)

    def moved(tick: int) -> int:
        i = bisect_right(starts, tick) - 1
        return round((quarters[i] + (tick - starts[i]) * beats[i]) * ppq)

    def placed(note: Note) -> Note:
        onset = moved(note.onset)
        return replace(note, onset=onset, duration=max(1, moved(note.end) - onset))

    return replace(
        phrase,
        parts=tuple(replace(p, notes=tuple(map(placed, p.notes)), length=moved(p.length)) for p in phrase.parts),
        ppq=ppq,
        length=moved(phrase.length),
        metres=tuple(replace(metre, onset=moved(metre.onset)) for metre in phrase.metres),
        tempos=tuple(replace(tempo, onset=moved(tempo.onset)) for tempo in phrase.tempos),
    )


def _shortened(phrase: Phrase, reader: Reader) -> Phrase:
    """Return the phrase without what lies later than a day."""
    seconds, horizon = 0.0, MAX_QUARTERS * phrase.ppq
    for i, tempo in enumerate(phrase.tempos):
        end = phrase.tempos[i + 1].onset if i + 1 < len(phrase.tempos) else phrase.length
        pace = 60 / tempo.bpm / phrase.ppq
        if seconds + (end - tempo.onset) * pace > MAX_SECONDS:
            horizon = min(horizon, tempo.onset + int((MAX_SECONDS - seconds) / pace))
            break
        seconds += (end - tempo.onset) * pace
    if phrase.length <= horizon:
        return phrase
    reader.note("What lies more than 24 hours after the start was left out.")

    def early(note: Note) -> Note:
        return replace(note, duration=min(note.duration, horizon - note.onset))

    parts = (
        replace(part, notes=tuple(early(n) for n in part.notes if n.onset < horizon), length=min(part.length, horizon))
        for part in phrase.parts
    )
    return replace(
        phrase,
        parts=tuple(part for part in parts if part.notes),
        length=horizon,
        metres=tuple(metre for metre in phrase.metres if metre.onset < horizon),
        tempos=tuple(tempo for tempo in phrase.tempos if tempo.onset < horizon),
    )
