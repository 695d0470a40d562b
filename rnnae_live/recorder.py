"""The recorder: keeps a session as a MIDI file, also one that was killed in the middle.

player, engine -> [recorder] -> midifile

While a session lasts, what comes in and what goes out is added to a journal, a text file with one line for each
message; when it ends, the journal becomes a ``.mid`` and is removed. ``recover`` does the same at the next start for
journals whose session died: what was flushed is kept, and a torn last line costs only itself. A journal is locked for
as long as its session lives. Clock and other system messages are not recorded.

*Units*: seconds of one monotonic clock.
*Threading*: ``note``, ``mark``, ``tempo``, ``flush``, ``news`` and ``close`` on one thread, which never waits for the
disk; a thread of our own writes and syncs.
*Errors*: none is raised. What goes wrong ends the recording, and ``news`` says so in a sentence.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import FileIO
from pathlib import Path

from rnnae_live.errors import MidiFileError
from rnnae_live.events import Notice, fault
from rnnae_live.midifile import write_recording

if sys.platform != "win32":
    import fcntl

JOURNAL = ".journal"
HEADER = b"rnnae-live journal 1\n"
SYNC = 3.0
"""Seconds between two syncs: what a power cut may cost. A killed process loses only what was not flushed."""
MOST_MESSAGES = 250_000
"""Messages of one recording, and ``MOST_BYTES`` of their bytes: what a reader of MIDI files takes."""
MOST_BYTES = 2_000_000
MOST_WAITING = 4096
"""Messages after which a flush is due, whoever forgot it."""
MOST_BACKLOG = 65_536
"""Messages that may wait for a disk that stands still."""
LONGEST_JOURNAL = 64 << 20
LEAVING = 2.0
"""Seconds that a disk has at the end."""
TRACKS = {"in": "In", "out": "Out"}


class Recorder:
    """Records one session. ``recording`` says whether it still does, ``messages`` counts what was taken."""

    def __init__(self, folder: Path, bpm: float, at: float, when: datetime | None = None) -> None:
        """Begin a journal in ``folder``, which is made if need be; time ``at`` is the beginning of the file.

        ``when`` is the date and time that the file is named after, now where it is None.
        """
        self._began = at
        self._lines: list[bytes] = []
        self._queue: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
        self._written = self._flushed = self._size = 0
        self._news: deque[Notice] = deque(maxlen=8)
        self._fault: str | None = None
        self._told = False
        self.messages = 0
        self.recording = True
        self._thread: threading.Thread | None = None
        try:
            self._journal, self._file = _begin(folder, when or datetime.now().astimezone())
        except OSError as error:
            self._journal = folder / JOURNAL
            self._stop(f"The session is not recorded: '{folder}' cannot be written ({error.strerror or error}).")
            return
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()
        self.tempo(at, bpm)

    def note(self, track: str, at: float, data: bytes) -> None:
        """Record a valid message that came in or went out at ``at``; ``track`` is "in" or "out"."""
        if self.recording and data[0] <= 0xF0:
            self._add(f"{at - self._began:.6f} {track} {data.hex()}\n".encode(), len(data))

    def mark(self, at: float, text: str) -> None:
        """Record what happened at ``at``: the preset chosen, the weights, the state."""
        if self.recording:
            self._add(f"{at - self._began:.6f} mark {json.dumps(text[:200])}\n".encode(), len(text[:200]))

    def tempo(self, at: float, bpm: float) -> None:
        """Record that the tempo is ``bpm`` from ``at`` on; what a file cannot say is left out."""
        if self.recording and 4 <= bpm <= 1000:
            self._add(f"{at - self._began:.6f} bpm {bpm:.4f}\n".encode(), 3)

    def flush(self) -> None:
        """Hand what was recorded to the thread that writes it; about twice a second."""
        if self._fault and self.recording:
            self._stop(self._fault)
        if not self._lines or not self.recording:
            return
        self._flushed += len(self._lines)
        self._queue.put(self._lines)
        self._lines = []
        if self._flushed - self._written > MOST_BACKLOG:
            self._stop("The recording stops: the disk does not take what is played. What was written is kept.")

    def news(self) -> Notice | None:
        """Return the next sentence for the performer, once: why the recording has stopped."""
        return self._news.popleft() if self._news else None

    def close(self) -> Path | None:
        """End the recording; return the MIDI file, None where nothing was played or it could not be written.

        What could not be written now is left for ``recover``.
        """
        if self._thread is None:
            return None
        self.flush()
        self.recording = False
        self._queue.put(None)
        self._thread.join(LEAVING)
        if self._thread.is_alive():
            self._tell(f"The recording stays in '{self._journal}' for now: the disk does not answer.")
            return None
        self._thread = None
        if self._fault and not self._told:
            self._stop(self._fault)
        try:
            return _finish(self._journal)
        except (OSError, MidiFileError) as error:
            reason = str(error) if isinstance(error, MidiFileError) else f"It cannot be read ({error.strerror})."
            self._tell(f"The recording is left in '{self._journal}', to become a MIDI file at a later start. {reason}")
            return None
        finally:
            self._file.close()

    def _add(self, line: bytes, size: int) -> None:
        """Take one line for the journal."""
        self._lines.append(line)
        self.messages += 1
        self._size += size
        if self.messages >= MOST_MESSAGES or self._size >= MOST_BYTES:
            self.flush()
            if self.recording:
                name = self._journal.with_suffix(".mid").name
                self._stop(f"The recording is full ({self.messages} messages) and stops; it will be kept as '{name}'.")
        elif len(self._lines) >= MOST_WAITING:
            self.flush()

    def _stop(self, sentence: str) -> None:
        self.recording = False
        self._told = True
        self._lines = []
        self._tell(sentence)

    def _tell(self, sentence: str) -> None:
        self._news.append(Notice(sentence, fault=True))

    # -- the thread that writes --------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write what is flushed until None comes; a disk that fails is told of by the next flush."""
        if hasattr(os, "sched_setscheduler"):
            with contextlib.suppress(OSError):  # A thread of a real-time process is one as well.
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        synced = time.monotonic()
        while (lines := self._queue.get()) is not None:
            try:
                if self._fault is None:
                    _write_all(self._file, b"".join(lines))
                    if time.monotonic() - synced >= SYNC:
                        synced = time.monotonic()
                        os.fsync(self._file.fileno())
                        self._journal.stat()  # A file that was removed takes whatever is written.
            except OSError as error:
                reason = error.strerror or str(error)
                self._fault = f"The recording stops: '{self._journal}' cannot be written ({reason})."
            self._written += len(lines)


def recover(folder: Path) -> list[Path]:
    """Make MIDI files of the journals that dead sessions left in ``folder``; return them.

    A journal that cannot be read, or whose file cannot be written, is left for another time.
    """
    made = []
    for journal in sorted(folder.glob(f"*{JOURNAL}")):
        with contextlib.suppress(OSError, MidiFileError), FileIO(journal, "r+") as file:
            if _lock(file) and _same(file, journal):
                path = _finish(journal)
                made += [path] if path else []
    return made


@dataclass(slots=True)
class _Session:
    """What a journal holds."""

    tracks: dict[str, list[tuple[float, bytes]]] = field(default_factory=lambda: {name: [] for name in TRACKS})
    marks: list[tuple[float, str]] = field(default_factory=list)
    tempos: list[tuple[float, float]] = field(default_factory=list)

    def take(self, line: bytes) -> None:
        """Take one line.

        Raises:
            ValueError: it is damaged.
        """
        moment, kind, rest = line.decode("ascii").split(" ", 2)
        at = float(moment)
        if not math.isfinite(at) or not rest.endswith("\n"):
            raise ValueError(line)
        at = max(0.0, at)
        if kind == "mark":
            self.marks.append((at, str(json.loads(rest))))
        elif kind == "bpm" and 4 <= float(rest) <= 1000:
            self.tempos.append((at, float(rest)))
        else:
            data = bytes.fromhex(rest)
            if kind not in self.tracks or fault(data) or data[0] > 0xF0:
                raise ValueError(line)
            self.tracks[kind].append((at, data))


def _finish(journal: Path) -> Path | None:
    """Make the MIDI file of a journal and remove the journal; return the file, None where nothing was played.

    Raises:
        OSError: the journal cannot be read or removed.
        MidiFileError: the file cannot be written.
    """
    session = _Session()
    with journal.open("rb") as file:
        for line in file.read(LONGEST_JOURNAL).splitlines(keepends=True):
            with contextlib.suppress(ValueError):
                session.take(line)
    path = None
    if any(session.tracks.values()):
        path = next(place for place in _places(journal.with_suffix(".mid")) if not place.exists())
        tracks = {TRACKS[name]: sorted(events, key=lambda event: event[0]) for name, events in session.tracks.items()}
        write_recording(path, tracks, session.tempos, session.marks)
    journal.unlink()
    return path


def _begin(folder: Path, when: datetime) -> tuple[Path, FileIO]:
    """Return a new locked journal, named after the time, which no other recording has.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for place in _places(folder / f"{when:%Y-%m-%d %H.%M.%S}.mid"):
        journal = place.with_suffix(JOURNAL)
        if place.exists():
            continue
        try:
            file = FileIO(journal, "x+")
        except FileExistsError:
            continue
        if _lock(file) and _same(file, journal):
            _write_all(file, HEADER)
            return journal, file
        file.close()  # Somebody who recovers was quicker.
    raise AssertionError  # There is always another name.


def _places(path: Path) -> Iterator[Path]:
    """Return ``path`` and then the same name with a number, without end."""
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1


def _write_all(file: FileIO, data: bytes) -> None:
    """Write all of ``data``.

    Raises:
        OSError: the disk is full or fails.
    """
    left = memoryview(data)
    while left:
        left = left[file.write(left) or 0 :]


def _lock(file: FileIO) -> bool:
    """Lock a journal for as long as it is open; return whether nobody else has."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _same(file: FileIO, journal: Path) -> bool:
    """Return whether ``file`` is still what the name stands for."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), journal.stat())
    except OSError:
        return False
