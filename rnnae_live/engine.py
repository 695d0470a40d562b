"""The patch: keys, knobs and clocks in, due notes out. The only writer of musical state.

ports -> events -> [engine: transport; parts: capture -> hearing -> desk -> walk] -> player

Read ``Engine.handle`` and ``Engine.advance`` from the top: a tick goes to the transport, a key to the parts that hear
its channel, a knob or button to what the map says. What they put out is moved by the delay compensation and handed on.

*Units*: seconds of the monotonic clock, ticks of 24 to the quarter note. Time is an argument, so everything can be
played in virtual time. *Threading*: one thread.
*Errors*: none leaves ``handle``, ``advance`` and ``work``: a fault becomes a ``Notice``, and the music goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rnnae_live.clock import Sender
from rnnae_live.control import SHARED_SPECS, Press, Select, Surface, Surfaces, Turn, initial, spec
from rnnae_live.control import Move as ControlMove
from rnnae_live.counts import Counts
from rnnae_live.errors import ConfigError, ControlError
from rnnae_live.events import (
    PLAYED,
    Continue,
    Cut,
    DueNote,
    Event,
    NoteOff,
    NoteOn,
    Notice,
    Output,
    SongPosition,
    Start,
    Stop,
    Thru,
    Tick,
    Withdraw,
    moved,
)
from rnnae_live.exchange import exchange
from rnnae_live.faults import REST, Faults
from rnnae_live.hearing import from_plain
from rnnae_live.melody import Melody
from rnnae_live.part import Part
from rnnae_live.settings import Settings
from rnnae_live.state import Chain
from rnnae_live.transport import Move, Transport
from rnnae_live.voices import Voices
from rnnae_live.walk import HORIZON

MOST_PARTS = 16

CLICK, CLICK_CHANNEL, CLICK_PITCH, FIRST_CLICK_PITCH = 16, 9, 77, 76
"""Whose notes the count-in is, and how it sounds: wood blocks of the General MIDI percussion map."""


CLOCK_AHEAD = 0.03
"""Seconds ahead of its moment at which a tick of our clock is handed over: it cannot be taken back."""


class Engine:
    """All parts and the transport that they share. ``voices`` is the bank that they play with."""

    def __init__(self, voices: Voices, settings: Settings | None = None) -> None:
        """Make the parts.

        Raises:
            PresetError: a preset that was asked for does not exist.
            ConfigError: more presets than slots, more parts than 16, or a clock that would follow itself.
        """
        self.settings = settings or Settings()
        if not 1 <= len(self.settings.parts) <= MOST_PARTS:
            raise ConfigError(f"{len(self.settings.parts)} parts were asked for; there can be 1 to {MOST_PARTS}.")
        if self.settings.send_clock and self.settings.sync == "midi":
            raise ConfigError("A clock that is followed is not sent on: choose --sync internal to send one.")
        self.voices = voices
        self.surfaces = Surfaces()
        """What reads each kind of port; that of a controller comes with ``attach``."""
        self._notes_from_control = False
        self.transport = Transport(self.settings.bpm, self.settings.metre, self.settings.sync)
        self.sender = Sender() if self.settings.send_clock else None
        self.values = {**initial(SHARED_SPECS), "bpm": self.transport.bpm}
        self.values["thru"] = spec("thru").named(self.settings.thru)
        self.parts = [Part(number, voices, self.transport, one) for number, one in enumerate(self.settings.parts)]
        for part in self.parts:
            part.alone = lambda part=part: all(one is part or one.walk is None for one in self.parts)  # type: ignore[misc]
            part.recalled = self.surfaces.recall
        self._faults = Faults()
        self._rests = [0.0] * len(self.parts)
        self._now = 0.0

    @property
    def counts(self) -> Counts:
        """What all parts have done so far."""
        each = [part.counts for part in self.parts]
        return Counts(
            sum(one.phrases for one in each),
            sum(one.answers for one in each),
            sum(one.changes for one in each),
            self._faults.count,
        )

    # -- the signal path ---------------------------------------------------------------------------------------------

    def start(self, now: float) -> list[Output]:
        """Return what is to be played and told first; loops and trades of our own clock begin."""
        out: list[Output] = [Thru(int(self.values["thru"]))]
        if self.transport.running:
            # Whoever is to play has only just come.
            out += self._each(None, now, lambda part: part.locate(now))
        elif any(part.mode != "answer" for part in self.parts):
            out += self._play(now)
        return self._early(out + self._advance(now, now))

    def attach(self, surface: Surface, now: float, *, notes: bool = False) -> list[Output]:
        """Read a controller through ``surface`` from now on, and show it all values; ``notes`` lets it play as well."""
        self.surfaces.attach(surface)
        self._notes_from_control = notes
        return self._tell(now)

    def handle(self, event: Event, now: float, port: int = PLAYED) -> list[Output]:
        """Take one event from a kind of port; return what is to be played or told because of it."""
        self._settle()
        # What the rest before this event has ended is answered first, however late the event is seen.
        out = self._advance(now, min(event.time, now))
        try:
            out += self._handle(event, now, port)
            if not isinstance(event, NoteOn | NoteOff | Tick):
                out += self._tell(now)
        except Exception as error:  # noqa: BLE001 - on stage nothing raises to the top: counted and told
            out += self._fault(error)
        return self._early(out + self._advance(now, min(event.time, now)))

    def advance(self, now: float) -> list[Output]:
        """Return what time alone brings: answers, notes that are due soon, ticks of the clock."""
        self._settle()
        return self._early(self._advance(now, now))

    def work(self) -> list[Output] | None:
        """Do a little of what can wait, at most a few milliseconds; None where nothing is.

        A part whose work fails is not asked again for ``REST`` seconds: it would fail again, as fast as it is asked.
        """
        for part in self.parts:
            if self._now < self._rests[part.number]:
                continue
            try:
                out = part.work()
            except Exception as error:  # noqa: BLE001 - see handle
                self._rests[part.number] = self._now + REST
                return self._fault(error)
            if out is not None:
                return out
        return None

    def take_kept(self) -> list[tuple[Melody, Chain]]:
        """Return the captured phrases that have become exact since this was last asked, with their states."""
        kept = [one for part in self.parts for one in part.keeping.kept]
        for part in self.parts:
            part.keeping.kept.clear()
        return kept

    def wake(self) -> float | None:
        """Return when ``advance`` has something to do if no event comes before, None for never."""
        moments = [self.transport.wake(), self.surfaces.wake(), *(part.wake() for part in self.parts)]
        if self.sender is not None:
            tick = self.sender.wake(self.transport.clock, self.transport.running, self._now)
            moments.append(None if tick is None else tick - CLOCK_AHEAD)
        return min((moment for moment in moments if moment is not None), default=None)

    def ends_at(self) -> float:
        """Return when the last answer ends (s): 0 where there is none, infinite for a loop."""
        walks = [part.walk for part in self.parts if part.walk is not None]
        return max((walk.ends_at(self.transport.clock) for walk in walks), default=0.0)

    def delay(self, outputs: list[Output], seconds: float) -> list[Output]:
        """Return outputs with the answers just given starting ``seconds`` later, because they took so long to make."""
        late = {part.number for part in self.parts if part.delay(seconds)}
        return [
            replace(one, at=one.at + seconds, until=one.until + seconds)
            if isinstance(one, DueNote) and one.part in late
            else one
            for one in outputs
        ]

    def _settle(self) -> None:
        """What was answered before this moment is on its way and cannot be delayed any more."""
        for part in self.parts:
            part.fresh = False

    def _advance(self, now: float, until: float) -> list[Output]:
        out: list[Output] = []
        self._now = now
        try:
            self.transport.advance(now)
            out += self._follow(now)
            if self.sender is not None:
                out += self.sender.due(self.transport.clock, self.transport.running, now, now + CLOCK_AHEAD)
        except Exception as error:  # noqa: BLE001 - see handle
            out += self._fault(error)
        out += self._each(None, now, lambda part: part.advance(now, until))
        missed = self.surfaces.wake()
        if missed is not None and missed <= now:
            out += self._tell(now)
        return out

    def _follow(self, now: float) -> list[Output]:
        """Return what has to be played differently because the line has moved."""
        move = self.transport.moved(now)
        if move is Move.NONE:
            return []
        self.values["bpm"] = self.transport.bpm
        if move is Move.ELSEWHERE:
            return self._each(None, now, lambda part: part.locate(now))
        return self._each(None, now, lambda part: part.retime(now))

    def _handle(self, event: Event, now: float, port: int) -> list[Output]:
        if isinstance(event, Tick | Start | Continue | Stop | SongPosition):
            self.transport.follow(event)
            return self._follow(now)
        if isinstance(event, NoteOn | NoteOff) and (port == PLAYED or self._notes_from_control):
            return self._each(event.channel, now, lambda part: part.note(event, now))
        # A controller moves all parts, whatever channel it sends on.
        channel = event.channel if port == PLAYED else None
        moves = self.surfaces.read(event, port)
        return [one for move in moves for one in self._move(move, channel, event.time, now)]

    def _move(self, move: ControlMove, channel: int | None, at: float, now: float) -> list[Output]:
        """Do what a control says that was moved on ``channel`` at ``at``."""
        if isinstance(move, Turn):
            return self.turn(move, now, None if move.part is not None else channel, move.part)
        if isinstance(move, Select):
            return self._each(channel, now, lambda part: part.select(move.number, now))
        return self.press(move, now, channel, at)

    def _tell(self, now: float) -> list[Output]:
        """Tell all surfaces which values there are, whoever changed them; return what shows them."""
        states = {("play", 0): float(self.transport.running), **{(name, 0): one for name, one in self.values.items()}}
        for part in self.parts:
            states.update({(name, part.number): value for name, value in part.desk.values.items()})
            states["hold", part.number] = float(part.hold)
        return self.surfaces.tell(states, now)

    def _each(
        self, channel: int | None, now: float, ask: Callable[[Part], list[Output]], number: int | None = None
    ) -> list[Output]:
        """Ask all parts that hear ``channel`` (None: all), or the one with a number.

        A part that fails forgets its phrase and is silent.
        """
        out: list[Output] = []
        for part in self.parts:
            if (channel is not None and not part.hears(channel)) or number not in (None, part.number):
                continue
            try:
                out += ask(part)
            except Exception as error:  # noqa: BLE001 - see handle
                part.capture.clear()
                out += [*part.silence(now), *self._fault(error)]
        return out

    # -- what is turned and pressed ----------------------------------------------------------------------------------

    def turn(self, turn: Turn, now: float, channel: int | None = None, number: int | None = None) -> list[Output]:
        """Take the new value of a parameter: of the instrument, or of the parts that hear ``channel`` (None: all)."""
        if turn.name not in self.values:
            return self._each(channel, now, lambda part: part.turn(turn, now), number)
        self.values[turn.name] = spec(turn.name).clamped(turn.value)
        if turn.name == "thru":
            return [Thru(int(self.values["thru"]))]
        self.transport.tempo(self.values["bpm"], now)
        return self._follow(now)

    def press(
        self,
        press: Press,
        now: float,
        channel: int | None = None,
        at: float | None = None,
        number: int | None = None,
    ) -> list[Output]:
        """Do what a button says; ``at`` is the moment at which it was pressed."""
        if press is Press.PANIC:
            for part in self.parts:
                part.panic()
            self.transport.stop()
            self.transport.moved(now)
            return [Cut(hard=True), Notice("Panic: everything is silent.")]
        if press is Press.STOP:
            return self._stop(now)
        if press is Press.PLAY:
            return self._stop(now) if self.transport.running else self._play(now)
        if press is Press.TAP:
            sounding = any(part.walk is not None for part in self.parts)
            bpm = self.transport.tap(now if at is None else at, sounding=sounding)
            return [] if bpm is None else [Notice(f"{bpm:.1f} bpm."), *self._follow(now)]
        return self._each(channel, now, lambda part: part.press(press, now), number)

    def do(self, wish: Mapping[str, Any], now: float) -> list[Output]:
        """Do what a remote control asks for.

        It is ``{"turn": NAME, "value": X}``, ``{"press": WHAT}``, ``{"preset": NAME}`` or ``{"program": N}``.
        ``part`` is the number of the part that is meant, 0-15, all where it is not there. With ``slot``, 1-8, the
        preset goes there; without, it is chosen as a program change does. ``{"mix": {NAME: WEIGHT}}`` makes presets
        the mix, ``{"melody": {...}}`` (as ``hearing`` has it, with a name) puts a melody into a slot (else 1),
        ``{"note": [ON, PITCH, VELOCITY]}`` is a key of a screen.
        What is not understood becomes a ``Notice``.
        """
        try:
            return self._early(self._do(wish, now) + self._tell(now) + self._advance(now, now))
        except Exception as error:  # noqa: BLE001 - see handle
            return self._fault(error)

    def _do(self, wish: Mapping[str, Any], now: float) -> list[Output]:
        number = wish.get("part")
        if "turn" in wish:
            return self.turn(Turn(spec(wish["turn"]).name, float(wish["value"])), now, number=number)
        if "press" in wish:
            return self.press(Press(wish["press"]), now, number=number)
        if "program" in wish:
            return self._each(None, now, lambda part: part.select(int(wish["program"]), now), number)
        if "preset" in wish:
            name, place = str(wish["preset"]), wish.get("slot")
            return self._each(None, now, lambda part: part.put(name, place, now), number)
        if "mix" in wish:
            return self._each(None, now, lambda part: part.mix(wish["mix"], now), number)
        if "note" in wish:
            on, pitch, velocity = wish["note"]
            return self._key(on, pitch, velocity, self.parts[int(number or 0)], now)
        if "melody" in wish:
            name, melody, slot = str(wish["melody"]["name"]), from_plain(wish["melody"]), int(wish.get("slot", 1))
            return self._each(None, now, lambda part: part.take(name, melody, slot, now), number)
        raise ControlError(f"A remote control asks for {dict(wish)}, which is nothing that can be done.")

    def _key(self, on: int, pitch: int, velocity: int, part: Part, now: float) -> list[Output]:
        """Take a key of a keyboard on a screen, as if it had come in on a channel that ``part`` hears."""
        channel = part.settings.channel_in or 0
        event = NoteOn(now, channel, pitch, velocity) if on else NoteOff(now, channel, pitch)
        self._settle()
        return self._advance(now, now) + self._each(channel, now, lambda one: one.note(event, now))

    def _play(self, now: float) -> list[Output]:
        """Start the transport, after the count-in."""
        bars = self.settings.count_in
        self.transport.start(now + HORIZON, bars)
        clock, beat = self.transport.clock, self.transport.grid("beat")
        out: list[Output] = []
        for tick in range(-bars * self.transport.bar, 0, beat) if self.transport.running else ():
            pitch = CLICK_PITCH if tick % self.transport.bar else FIRST_CLICK_PITCH
            at = clock.time(tick)
            out.append(DueNote(at, at + 0.05, CLICK_CHANNEL, pitch, 100, CLICK))
        return out + self._follow(now)

    def _stop(self, now: float) -> list[Output]:
        self.transport.stop()
        return [Withdraw(CLICK, now, now), *self._follow(now)]

    def _early(self, outputs: list[Output]) -> list[Output]:
        """Return outputs with their moments moved by the delay compensation."""
        by = -self.settings.offset
        return [moved(one, by) for one in outputs] if by else outputs

    # -- what outlives the process -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return all musical settings as plain data (JSON), for an engine that takes over from this one."""
        parts = [part.snapshot() for part in self.parts]
        return {"values": dict(self.values), "parts": parts, "map": self.surfaces.map}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over from the engine that made the snapshot; what this bank does not have is left as it is."""
        self.values.update({name: spec(name).clamped(value) for name, value in data["values"].items()})
        self.transport.tempo(self.values["bpm"], 0.0)
        for part, one in zip(self.parts, data["parts"], strict=False):
            part.restore(one)
        self.surfaces.recall(data.get("map"))

    def exchange(self, voices: Voices) -> None:
        """Play with another bank from the next piece of each part on.

        Raises:
            PresetError: it has not all presets that are heard; nothing has changed then.
        """
        exchange(self.parts, voices)
        self.voices = voices

    def _fault(self, error: Exception) -> list[Output]:
        return [*self._faults.tell(error, self._now)]
