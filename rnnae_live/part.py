"""A part: one performer's line through the instrument. Captures phrases, plays answers, trades bars, loops.

capture -> hearing -> desk -> [part: walk] -> player

``answer``: a phrase is over after a rest (or as the parameter "end" says, or when the button asks), and is answered
from the next line on. ``trade``: the performer has some bars of the running clock, then the instrument has as many.
``loop``: the mix plays without end, songs walking along their chains. Whatever is turned while something sounds is
heard from the next line that "quantise" allows: only what has not been played is decoded again.

*Units*: seconds of the monotonic clock; ticks of the transport. *Threading*: one thread.
*Errors*: those of hearing and voices leave ``note``, ``turn``, ``press`` and ``advance``: the engine tells them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from rnnae_live.capture import Capture
from rnnae_live.change import Change
from rnnae_live.control import Press, Turn, weight_name
from rnnae_live.counts import Counts
from rnnae_live.desk import Desk
from rnnae_live.events import Mark, NoteOff, NoteOn, Notice, Output
from rnnae_live.hearing import hear, hear_turn
from rnnae_live.keeping import Keeping
from rnnae_live.melody import Melody
from rnnae_live.phrasing import Turns, phrase_ends
from rnnae_live.settings import PartSettings
from rnnae_live.slots import Slot, Slots, numbered, wishes_of
from rnnae_live.transport import Transport
from rnnae_live.voices import Voices
from rnnae_live.walk import LEAD, Walk


class Part:
    """Part ``number`` (0-15) of the instrument."""

    def __init__(self, number: int, voices: Voices, transport: Transport, settings: PartSettings) -> None:
        """Fill the slots and set the parameters.

        Raises:
            PresetError: a preset that was asked for does not exist.
            ConfigError: more presets than slots.
            ControlError: there is no such parameter.
        """
        self.number = number
        self.settings = settings
        self.transport = transport
        self.voices = voices
        self.slots = Slots(voices, [name for name, _ in settings.presets])
        self.keeping = Keeping(voices, self.slots)
        self.desk = Desk(voices, self.slots, transport.metre, settings.seed)
        self.desk.set_up([weight for _, weight in settings.presets], settings.values)
        self.capture = Capture(transport.bpm, self._rest())
        self.counts = Counts()
        self.hold = False
        self.alone: Callable[[], bool] = lambda: True
        """Whether no other part plays, so that the free clock may be set by a phrase."""
        self.recalled: Callable[[str | None], None] = lambda _name: None
        """Who is told the name of the map of controls that a preset brings, None where it brings none."""
        self.walk: Walk | None = None
        self.fresh = False
        """Whether an answer has just been given that is due at once."""
        self._pending = Change(transport)
        self._line = 0.0
        self._turns = Turns()

    @property
    def mode(self) -> str:
        """What it does: "answer", "trade" or "loop"."""
        return self.desk.choice("mode")

    def hears(self, channel: int) -> bool:
        """Return whether it listens to a channel."""
        return self.settings.channel_in in (None, channel)

    # -- what comes in -----------------------------------------------------------------------------------------------

    def note(self, event: NoteOn | NoteOff, now: float) -> list[Output]:
        """Take a key event; a phrase that has grown too long is answered."""
        self.capture.feed(event)
        if not self.capture.full:
            return []
        if self.mode == "answer":
            return self._answer(now, asked=True)
        self.capture.clear()
        return []

    def turn(self, turn: Turn, now: float) -> list[Output]:
        """Take the new value of a parameter; it is heard from the next line that "quantise" allows."""
        self._at(now)
        mode = self.mode
        self.desk.turn(turn.name, turn.value)
        if self.mode != mode:
            return self._switch(now)
        return self._change(now)

    def press(self, press: Press, now: float) -> list[Output]:
        """Do what a button of this part says."""
        self._at(now)
        if press is Press.ANSWER:
            return self._answer(now, asked=True)
        if press is Press.CAPTURE:
            return [self.keeping.capture(self.desk.heard, self.desk.values)]
        if press is Press.UNDO:
            return self._undo(now)
        if press in (Press.NEXT, Press.PREVIOUS):
            slot = self.slots.step(1 if press is Press.NEXT else -1)
            return [] if slot is None else self._switched(slot, now)
        if press is Press.FREEZE:
            return self.turn(Turn("freeze", 1.0 - self.desk.values["freeze"]), now)
        if press in (Press.HOLD, Press.LET_GO):
            self.hold = press is Press.HOLD
        elif press in (Press.PEDAL_DOWN, Press.PEDAL_UP) and self.desk.choice("end") == "pedal":
            self.hold = press is Press.PEDAL_DOWN
            if not self.hold and not self.capture.empty:
                return self._answer(now, asked=True)
        return []

    def select(self, program: int, now: float) -> list[Output]:
        """Put the preset of a program change into slot 1; turn it up where it was not heard."""
        self._at(now)
        slot = self.slots.select(program)
        if slot is None:
            return [Notice(f"No preset has {numbered(program)}; slot 1 stays.")]
        return self._switched(slot, now)

    def _switched(self, slot: Slot, now: float) -> list[Output]:
        """Return what follows when another preset was chosen; it is turned up where it was not heard."""
        if not self.desk.values[weight_name(1)]:
            self.desk.turn(weight_name(1), 1.0)
        return [*self._scene(slot, now), Notice(f"Slot 1 is '{slot.name}'."), *self._change(now)]

    def _scene(self, slot: Slot, now: float) -> list[Output]:
        """Set what a preset brings along that has come into slot 1: parameters, mode, map of controls."""
        self.recalled(slot.scene.mapping if slot.scene is not None else None)
        return [one for name, value in wishes_of(slot.scene).items() for one in self.turn(Turn(name, value), now)]

    def put(self, name: str, number: int | None, now: float) -> list[Output]:
        """Put the preset called ``name`` into slot 1-8, into slot 1 with its scene; None: as a program change does.

        Raises:
            PresetError: there is none, or several.
            ControlError: there is no such slot.
        """
        self._at(now)
        slot = self.slots.put(name, 1 if number is None else number)
        if number is None:
            return self._switched(slot, now)
        scene = self._scene(slot, now) if number == 1 else []
        return [*scene, Notice(f"Slot {number} is '{slot.name}'."), *self._change(now)]

    def take(self, name: str, melody: Melody, number: int, now: float) -> list[Output]:
        """Put a melody that is no preset into slot 1-8.

        Raises:
            ControlError: there is no such slot.
        """
        self._at(now)
        self.slots.hold(name, melody, number)
        return [Notice(f"Slot {number} is '{name}'."), *self._change(now)]

    def mix(self, weights: Mapping[str, float], now: float) -> list[Output]:
        """Let presets, by their names, be the mix: each in a slot, all other slots silent.

        Raises:
            PresetError: there is no such preset.
            ControlError: there are more than slots.
        """
        self._at(now)
        for number, weight in self.slots.seat(weights).items():
            self.desk.turn(weight_name(number), weight)
        return self._change(now)

    # -- time --------------------------------------------------------------------------------------------------------

    def wake(self) -> float | None:
        """Return when ``advance`` has something to do if nothing comes before, None for never."""
        moments = [self._phrase_ends(), self._pending.at, self._turn_is_taken_at()]
        if self.desk.wishes.arrived:
            moments.append(0.0)
        if self.walk is not None:
            moments.append(self.walk.wake(self.transport.clock))
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self, now: float, until: float) -> list[Output]:
        """Return what time alone brings by ``until``."""
        self._at(now)
        out: list[Output] = []
        ends = self._phrase_ends()
        if ends is not None and ends <= until:
            out += self._answer(now, asked=False)
        taken = self._turn_is_taken_at()
        if taken is not None and taken <= until:
            out += self._trade(now)
        if self.mode == "loop" and self.transport.running and self.walk is None:
            out += self._begin(now, self._loop_line(now), None)
        if self.desk.wishes.arrived:
            self.desk.wishes.arrived = False
            out += self._change(now)
        if self._pending.due(now):
            out += self._apply(now)
        if self.walk is not None:
            at = self.walk.at if self.walk.melody is not None else -1
            out += self.walk.advance(self.transport.clock, now)
            if self.walk.at != at:
                out += self._remember(now)
            if self.walk.finished(now):
                self.walk = None
        return out

    def work(self) -> list[Output] | None:
        """Do a little of what can wait: decode the map ahead, make a captured phrase exact. None where nothing is."""
        if self.walk is not None and (self.desk.prepare(self.walk.at) or self.desk.steer(self.walk.at + 1)):
            return []
        notices = self.keeping.step()
        return None if notices is None else [*notices]

    def retime(self, now: float) -> list[Output]:
        """Return what puts this part's notes to their moments on a line that has moved."""
        return [] if self.walk is None else self.walk.retime(self.transport.clock, now)

    def locate(self, now: float) -> list[Output]:
        """Return what follows when the transport was started, stopped or put elsewhere."""
        self._turns.forget()
        self._at(now)
        if self.mode == "answer":
            return []
        out = self.silence(now)
        if self.mode == "loop" and self.transport.running:
            # Where a song is depends on where the transport is, not on when it was started.
            out += self._begin(now, 0.0, None, enter=max(0.0, self.transport.clock.tick(now)))
        return out

    def delay(self, seconds: float) -> bool:
        """Let an answer that was just given start ``seconds`` later; False where there is none that may."""
        if self.walk is None or not self.fresh:
            return False
        self.walk.shift(self.transport.clock, seconds)
        return True

    def silence(self, now: float) -> list[Output]:
        """Return what ends all that this part plays."""
        self._pending.forget()
        if self.walk is None:
            return []
        out, self.walk = self.walk.drop(now), None
        return out

    def panic(self) -> None:
        """Forget what is played and what is being listened to; the player is silenced by whoever calls."""
        self.walk = None
        self._pending.forget()
        self.capture.clear()

    # -- answers -----------------------------------------------------------------------------------------------------

    def _answer(self, now: float, *, asked: bool) -> list[Output]:
        """End the phrase, and return its answer from the next line on; a loop takes the phrase into its mix."""
        performance = self.capture.finish(now)
        if performance is not None:
            self.counts.phrases += 1
            self.desk.heard = hear(self.voices, performance)
        if self.mode == "loop":
            return self._change(now)
        if not self.desk.mix():
            return [Notice("There is nothing to answer with yet: play a phrase, or turn up a preset (CC 20-27).")]
        out = self.silence(now)
        if performance is not None and self.alone():
            self.transport.free(performance.origin)
            self._at(now)
        start = self.desk.choice("start")
        if start == "auto":
            start = "now" if asked and not self.transport.running else "beat"
        grid = self.transport.grid(start)
        out += self._begin(now, self.transport.line(now, grid), self.desk.pieces())
        self.counts.answers += 1
        self.fresh = grid == 0
        return out

    def _trade(self, now: float) -> list[Output]:
        """Take what was played in the performer's turn, and play from the next line on for as long."""
        length = self._turn()
        start = self._turns.take(length)
        performance = self.capture.finish(now)
        if performance is not None:
            clock, metre = self.transport.clock, self.transport.metre
            heard = hear_turn(self.voices, performance, clock, start - length, length, metre)
            if heard is not None:
                self.counts.phrases += 1
                self.desk.heard = heard
        if not self.desk.mix():
            return []
        self.counts.answers += 1
        return self.silence(now) + self._begin(now, start, None, stop=start + length)

    def _begin(
        self, now: float, start: float, count: int | None, *, stop: float = math.inf, enter: float | None = None
    ) -> list[Output]:
        """Begin to walk at tick ``start``, or in the middle of things at tick ``enter``."""
        channel = self.settings.channel_out
        if channel is None:
            channel = self.desk.heard.channel if self.desk.heard is not None else self.settings.channel_in or 0
        self.walk = Walk(self.desk, start=start, part=self.number, channel=channel, count=count, stop=stop)
        self._line = self.desk.begin = start
        if enter is not None:
            self.walk.enter(enter)
        return self._remember(now) + self.walk.advance(self.transport.clock, now)

    def _remember(self, now: float) -> list[Output]:
        """Keep the mix that is heard from now on, and tell whoever keeps the session."""
        return [Mark(now, f"Part {self.number + 1}: {self.desk.told()}")] if self.desk.remember() else []

    def _switch(self, now: float) -> list[Output]:
        """Let what plays end on the next bar line, where another mode begins."""
        self._turns.forget()
        self._pending.forget()
        clock, out = self.transport.clock, []
        line = self.transport.line(now + LEAD, self.transport.bar, self._origin())
        if self.walk is not None:
            out = self.walk.halt(clock, line)
        if self.mode != "answer":
            self.walk = None
            if not self.transport.running:
                self.transport.start(clock.time(line))
        return out

    # -- changes -----------------------------------------------------------------------------------------------------

    def _change(self, now: float) -> list[Output]:
        """Let the mix of now be heard from the next line that "quantise" allows."""
        quantise = self.desk.choice("quantise")
        if self.walk is None or quantise == "phrase":
            return []
        self._pending.ask(quantise, now, self._origin())
        return self._apply(now) if self._pending.due(now) else []

    def _apply(self, now: float) -> list[Output]:
        """Decode again what has not been played; while weights glide, come back at the next sixteenth."""
        tick = self._pending.take(now)
        if self.walk is None:
            return []
        out = self.walk.change(self.transport.clock, now, tick)
        self.counts.changes += 1
        if self.desk.glide.moving(self.desk.tick):
            self._pending.again(now, self._origin())
        return out

    def _undo(self, now: float) -> list[Output]:
        """Go back to the mix before the last change."""
        if not self.desk.undo():
            return [Notice("There is nothing to go back to.")]
        return [Notice("Back to the mix before."), *self._change(now)]

    # -- lines -------------------------------------------------------------------------------------------------------

    def _at(self, now: float) -> None:
        """Let everything know where the transport is."""
        self.desk.tick = self.transport.clock.tick(now)
        self.capture.bpm, self.capture.rest = self.transport.bpm, self._rest()

    def _rest(self) -> float:
        return self.settings.rest_beats * 60.0 / self.transport.bpm

    def _origin(self) -> float:
        """Return the tick of a bar line: the transport's, or where the answer began."""
        return 0.0 if self.transport.running else self._line

    def _turn(self) -> int:
        """Return the length of a turn in ticks."""
        return int(self.desk.values["turn"]) * self.transport.bar

    def _phrase_ends(self) -> float | None:
        """Return when the phrase is over if nothing more is played, None where there is none or it is held."""
        if self.hold or self.mode == "trade":
            return None
        return phrase_ends(self.capture, self.transport, self.desk.choice("end"), self._turn())

    def _turn_is_taken_at(self) -> float | None:
        """Return when the performer's turn is taken, None where no bars are traded."""
        return self._turns.taken_at(self.transport, self.desk.tick, self._turn()) if self.mode == "trade" else None

    def _loop_line(self, now: float) -> float:
        """Return the tick at which a loop begins: the beginning, or the next bar line."""
        return max(self.transport.begin, self.transport.line(now + LEAD, self.transport.bar))

    # -- what outlives the process -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return all musical settings as plain data (JSON), for a part that takes over from this one."""
        return {**self.desk.snapshot(), "hold": self.hold}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over from the part that made the snapshot; what this bank does not have is left as it is."""
        self.desk.restore(data)
        self.hold = bool(data["hold"])
