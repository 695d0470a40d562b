"""The instrument and one performer, joined by in-process MIDI ports, in virtual time.

melody -> bytes -> ports -> [stage: engine, player] -> ports -> bytes -> melody

The same port, engine and player code as live, with a clock that is moved by hand: what takes seconds on stage takes
milliseconds here, and comes out the same every time. Only ``Take.seconds`` is real time.

*Units*: seconds of virtual time; ticks of 24 to the quarter note. *Threading*: one thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rnnae_live.engine import Engine
from rnnae_live.events import NoteOff, NoteOn, Notice, Output, note_off, note_on, read
from rnnae_live.melody import Melody, voice
from rnnae_live.phrase import Note
from rnnae_live.player import Player
from rnnae_live.ports.loopback import Loopback, World

ANSWER_NOW = bytes((0xB0, 85, 127))
"""The button that ends a phrase: CC 85."""

BEGIN = 1.0
"""Second of virtual time at which the first note is played."""


@dataclass(frozen=True, slots=True)
class Take:
    """What came back for a phrase.

    ``melody`` is the answer from its first bar line on; ``seconds`` the real time from "answer now" entering the port
    of the instrument to the first note-on leaving it; ``messages`` how many came back; ``sounding`` how many notes
    were never released.
    """

    melody: Melody
    seconds: float
    messages: int
    sounding: int
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class _Heard:
    """What reached the performer: virtual time, message; and the real time of the first note-on."""

    messages: list[tuple[float, bytes]] = field(default_factory=list)
    first: float | None = None


class Stage:
    """Plays phrases to ``engine`` through ports and hears its answers through others."""

    def __init__(self, engine: Engine) -> None:
        """Open the ports of both sides and connect them."""
        world = World()
        instrument, performer = Loopback(world=world), Loopback("Performer", world)
        self.engine = engine
        self.now = BEGIN
        self._heard = _Heard()
        self._notices: list[str] = []
        self._in = instrument.open_input(self._arrived)
        self._out = instrument.open_output()
        self._player = Player(self._out.send)
        self._hands = performer.open_output("Hands", world.inputs()[0])
        self._ears = performer.open_input(self._hear, "Ears", world.outputs()[0])
        self._take(engine.start(self.now))

    def play(self, phrase: Melody) -> Take:
        """Return the answer to ``phrase``, which is played at the engine's tempo and ended by "answer now".

        Raises:
            RnnaeError: a port or the engine's bank failed.
        """
        tick = self.engine.transport.clock.tick_seconds
        start = self.now
        for at, data in _messages(phrase):
            self._run_to(start + at * tick)
            self._send(data)
        self._run_to(start + phrase.length * tick)
        self._heard, self._notices = _Heard(), []
        began = time.perf_counter()
        self._send(ANSWER_NOW)
        first = self.now
        self._run_to(self.engine.ends_at())
        took = (self._heard.first or time.perf_counter()) - began
        notes, sounding = _notes(self._heard.messages, first, tick)
        length = max(round((self.now - first) / tick), notes[-1].end if notes else 1)
        answer = Melody(notes, length, phrase.metres[:1], bpm=self.engine.transport.bpm)
        return Take(answer, took, len(self._heard.messages), sounding, tuple(self._notices))

    def close(self) -> None:
        """Close the ports of both sides."""
        for port in (self._hands, self._ears, self._in, self._out):
            port.close()

    def _send(self, data: bytes) -> None:
        """Send as the performer; a fault on the other side, which a driver would lose, is raised here."""
        self._hands.send(data)
        for port in (self._in, self._ears):
            if port.faults:
                raise port.faults.popleft()

    def _arrived(self, _real: float, data: bytes) -> None:
        event = read(data, self.now)
        if event is not None:
            self._take(self.engine.handle(event, self.now))

    def _hear(self, _real: float, data: bytes) -> None:
        if self._heard.first is None and isinstance(read(data, self.now), NoteOn):
            self._heard.first = time.perf_counter()
        self._heard.messages.append((self.now, data))

    def _take(self, outputs: list[Output]) -> None:
        """Do what the engine says, as the player's process does."""
        for output in outputs:
            if isinstance(output, Notice):
                self._notices.append(output.text)
            else:
                self._player.take(output)
        self._player.play(self.now)

    def _run_to(self, moment: float) -> None:
        """Move the clock on, stopping wherever something is due."""
        while True:
            moments = [at for at in (self._player.next_at(), self.engine.wake()) if at is not None and at <= moment]
            if not moments:
                break
            self.now = max(self.now, min(moments))
            self._take(self.engine.advance(self.now))
        self.now = max(self.now, moment)


def _messages(melody: Melody) -> list[tuple[int, bytes]]:
    """Return the notes of a melody as messages at ticks, releases first."""
    rows = [(n.onset, 1, note_on(0, n.pitch, n.velocity)) for n in melody.notes]
    rows += [(n.end, 0, note_off(0, n.pitch)) for n in melody.notes]
    return [(tick, data) for tick, _, data in sorted(rows)]


def _notes(messages: list[tuple[float, bytes]], start: float, tick: float) -> tuple[tuple[Note, ...], int]:
    """Return the notes that messages spell, in ticks after ``start``, and how many were never released."""
    notes: list[Note] = []
    down: dict[int, tuple[int, int]] = {}
    for at, data in messages:
        event, place = read(data, at), round((at - start) / tick)
        if isinstance(event, NoteOn):
            down[event.pitch] = (place, event.velocity)
        elif isinstance(event, NoteOff) and event.pitch in down:
            onset, velocity = down.pop(event.pitch)
            notes.append(Note(onset, max(1, place - onset), event.pitch, velocity))
    return voice(notes), len(down)
