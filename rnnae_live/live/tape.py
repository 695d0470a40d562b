"""The tape of a session: the recorder as the front runs it.

player, engine -> front -> [tape] -> recorder

*Units*: seconds of the monotonic clock. *Threading*: the front's thread. *Errors*: none; what goes wrong is said.
"""

from __future__ import annotations

from collections.abc import Callable

from rnnae_live.events import Mark
from rnnae_live.files import recordings
from rnnae_live.live import wire
from rnnae_live.live.wire import Frame, Kind
from rnnae_live.recorder import Recorder, recover

FLUSH = 0.5
"""Seconds between two moments at which what was recorded goes to the disk."""


class Tape:
    """Keeps what comes in and goes out. ``say`` takes one sentence at a time."""

    def __init__(self, bpm: float, now: float, say: Callable[[str], None]) -> None:
        """Begin to record; make files of what dead sessions have recorded."""
        self._say = say
        self._flush_at = now
        for path in recover(recordings()):
            say(f"The last session was recorded: {path}")
        self._recorder = Recorder(recordings(), bpm, now)

    def take(self, frame: Frame) -> None:
        """Take messages that came in or went out, or what is played from a moment on; other frames are not for here."""
        kind, payload = frame
        if kind is Kind.TAKE:
            for at, out, data in wire.unpack_take(payload):
                self._recorder.note("out" if out else "in", at, data)
        mark = wire.unpack_output(frame) if kind is Kind.MARK else None
        if isinstance(mark, Mark):
            self._recorder.mark(mark.at, mark.text)

    def turn(self, now: float) -> None:
        """Hand what was recorded to the disk when it is time, and tell where that fails."""
        if now >= self._flush_at:
            self._flush_at = now + FLUSH
            self._recorder.flush()
            self._tell()

    def close(self) -> None:
        """End the recording and tell where it is."""
        path = self._recorder.close()
        self._tell()
        if path is not None:
            self._say(f"Recorded: {path}")

    def _tell(self) -> None:
        while (news := self._recorder.news()) is not None:
            self._say(news.text)
