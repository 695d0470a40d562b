"""The patch: keys and knobs in, due notes out. The only writer of musical state.

ports -> events -> [engine: control | capture -> song -> encode -> mix -> decode -> due notes] -> player

Read ``Engine.handle`` and ``Engine.advance`` from the top: a key event goes to the capture; a knob or button to the
parameters; a rest, or the button "answer now", ends the phrase, and the phrase is answered: encoded to its chain of
states, mixed with the presets in the slots, decoded to a melody, laid onto the clock.

*Units*: seconds of the monotonic clock, ticks of 24 to the quarter note. Time is an argument, so everything can be
played in virtual time. *Threading*: one thread.
*Errors*: none leaves ``handle`` and ``advance``: a fault becomes a ``Notice``, and the next phrase is played.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rnnae_live.capture import Capture, Performance
from rnnae_live.clock import PPQ, Clock
from rnnae_live.control import SLOTS, SPECS, ControlMap, Press, Turn, spec, weight_name
from rnnae_live.errors import ConfigError, RnnaeError
from rnnae_live.events import Cut, DueNote, Event, NoteOff, NoteOn, Notice, Output, ProgramChange
from rnnae_live.melody import Melody
from rnnae_live.phrase import Metre, Note, Phrase
from rnnae_live.song import song
from rnnae_live.state import Chain
from rnnae_live.voices import Voices

REST_BEATS = 2.0
"""Quarter notes of silence that end a phrase: longer than a rest inside most phrases."""

GRID_WHEN_ASKED = 0
"""Grid line (ticks) on which an answer starts that a button asked for: 0 is at once."""

GRID_AFTER_REST = PPQ
"""Grid line (ticks) on which an answer starts after a rest: the next beat of the tempo that the phrase set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine starts: tempo, rest that ends a phrase (beats), presets by name with their weights, follow."""

    bpm: float = 120.0
    rest_beats: float = REST_BEATS
    presets: tuple[tuple[str, float], ...] = ()
    follow: float = SPECS["follow"].default
    temperature: float = SPECS["temperature"].default


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the mix: a preset of the bank, or with ``melody`` a phrase that was captured in this session."""

    name: str
    chain: Chain
    melody: Melody | None = None


@dataclass(slots=True)
class Heard:
    """The phrase that was played last: on the grid, as states, and where it was played."""

    melody: Melody
    chain: Chain
    channel: int = 0


@dataclass(slots=True)
class Counts:
    """What has happened so far."""

    phrases: int = 0
    answers: int = 0
    faults: int = 0


class Engine:
    """One part: captures phrases and answers them. ``voices`` is the bank that it plays with."""

    def __init__(self, voices: Voices, settings: Settings | None = None) -> None:
        """Fill the slots with the presets asked for, then with the first others of the bank at weight 0.

        Raises:
            PresetError: a preset that was asked for does not exist.
            ConfigError: more presets than slots.
        """
        self.settings = settings or Settings()
        self.voices = voices
        self.map = ControlMap()
        self.clock = Clock(self.settings.bpm)
        self.capture = Capture(self.settings.bpm, self.settings.rest_beats * 60.0 / self.settings.bpm)
        self.values = {name: one.default for name, one in SPECS.items()}
        self.values["follow"] = spec("follow").clamped(self.settings.follow)
        self.values["temperature"] = spec("temperature").clamped(self.settings.temperature)
        self.slots: list[Slot | None] = [None] * SLOTS
        self.heard: Heard | None = None
        self.hold = False
        self.counts = Counts()
        self.answer_ends = 0.0
        self._last_mix: list[tuple[Chain, float]] = []
        self._fill(self.settings.presets)

    # -- the signal path ---------------------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Output]:
        """Take one event; return what is to be played or told because of it."""
        # What the rest before this event has ended is answered first, however late the event is seen.
        before = self.advance(now, until=event.time)
        try:
            return before + self._handle(event, now)
        except Exception as error:  # noqa: BLE001 - on stage nothing raises to the top: counted and told
            return before + self._fault(error)

    def advance(self, now: float, until: float | None = None) -> list[Output]:
        """Return what time alone brings by ``until`` (or ``now``): the answer, when a rest has ended the phrase."""
        wake = self.wake()
        if wake is None or wake > (now if until is None else until):
            return []
        try:
            return self._answer(now, GRID_AFTER_REST)
        except Exception as error:  # noqa: BLE001 - see handle
            return self._fault(error)

    def delay(self, outputs: list[Output], seconds: float) -> list[Output]:
        """Return an answer just given as one that starts ``seconds`` later, for one that took its time to be made."""
        self.clock = replace(self.clock, origin=self.clock.origin + seconds)
        self.answer_ends += seconds
        return [
            replace(one, at=one.at + seconds, until=one.until + seconds) if isinstance(one, DueNote) else one
            for one in outputs
        ]

    def wake(self) -> float | None:
        """Return when ``advance`` has something to do if no event comes before, None for never."""
        return None if self.hold else self.capture.ends_at()

    def _handle(self, event: Event, now: float) -> list[Output]:
        if isinstance(event, NoteOn | NoteOff):
            self.capture.feed(event)
            return self._answer(now, GRID_WHEN_ASKED) if self.capture.full else []
        if isinstance(event, ProgramChange):
            return self._select(event.program)
        move = self.map.read(event)
        if isinstance(move, Turn):
            self.values[move.name] = move.value
            return []
        return [] if move is None else self._press(move, now)

    def _press(self, button: Press, now: float) -> list[Output]:
        if button is Press.ANSWER:
            return self._answer(now, GRID_WHEN_ASKED)
        if button is Press.PANIC:
            self.capture.clear()
            self.answer_ends = now
            return [Cut(hard=True), Notice("Panic: everything is silent.")]
        if button is Press.CAPTURE:
            return self._keep()
        self.hold = button is Press.HOLD
        return []

    def _answer(self, now: float, grid: int) -> list[Output]:
        """End the phrase, and return its answer, which starts on the next line of ``grid`` ticks."""
        performance = self.capture.finish(now)
        if performance is not None:
            self._hear(performance)
        mix = self._mix()
        if not mix:
            return [Notice("There is nothing to answer with yet: play a phrase, or turn up a preset (CC 20-27).")]
        melody = self.voices.compose(mix, self.values["temperature"])
        self._last_mix = mix
        self.counts.answers += 1
        self.clock = replace(self.clock, origin=self.clock.next_line(now, grid))
        out: list[Output] = [Cut()] if self.answer_ends > now else []
        out += self._due(melody)
        self.answer_ends = self.clock.time(melody.length)
        return out

    def _hear(self, performance: Performance) -> None:
        """Bring a finished phrase onto the grid and encode it; its first note sets the phase of the clock."""
        self.counts.phrases += 1
        self.clock = replace(self.clock, origin=performance.origin)
        melody = whole_bars(on_grid(performance.phrase))
        self.heard = Heard(melody, self.voices.encode(melody), performance.channel)

    def _mix(self) -> list[tuple[Chain, float]]:
        """Return the chains with their weights; all weights zero keep the last mix."""
        mix: list[tuple[Chain, float]] = []
        follow = self.values["follow"]
        links = None
        if self.heard is not None and follow > 0:
            # An answer to a phrase is as long as the phrase; presets alone are played whole.
            links = len(whole_bars_of(self.heard.chain))
            mix.append((self.heard.chain, follow))
        for number, slot in enumerate(self.slots, 1):
            weight = self.values[weight_name(number)]
            if slot is not None and weight > 0:
                mix.append((slot.chain if links is None else whole_bars_of(slot.chain)[:links], weight))
        return mix or self._last_mix

    def _due(self, melody: Melody) -> list[DueNote]:
        """Return the notes of a melody with their moments; loud where the phrase was loud, soft where it was soft."""
        channel = self.heard.channel if self.heard else 0
        played = self.heard.melody if self.heard else None
        return [
            DueNote(
                self.clock.time(note.onset),
                self.clock.time(note.end),
                channel,
                note.pitch,
                note.velocity if played is None else velocity_at(played, note.onset),
            )
            for note in melody.notes
        ]

    # -- slots and presets -------------------------------------------------------------------------------------------

    def _fill(self, named: Sequence[tuple[str, float]]) -> None:
        """Put the named presets into the first slots with their weights, others of the bank behind them."""
        if len(named) > SLOTS:
            raise ConfigError(f"{len(named)} presets were asked for; the mix has {SLOTS} slots.")
        songs = [self.voices.find(name) for name, _ in named]
        for number, (_, weight) in enumerate(named, 1):
            self.values[weight_name(number)] = spec(weight_name(number)).clamped(weight)
        names = {one.name for one in songs}
        songs += [one for one in self.voices.songs if one.name not in names]
        self.slots[: len(songs)] = [Slot(one.name, one.chain) for one in songs[:SLOTS]]

    def _select(self, program: int) -> list[Output]:
        """Put the preset of a program change into slot 1; turn it up where it was not heard."""
        for one in self.voices.songs:
            if one.program == program:
                self.slots[0] = Slot(one.name, one.chain)
                self.values[weight_name(1)] = self.values[weight_name(1)] or 1.0
                return [Notice(f"Slot 1 is '{one.name}'.")]
        return [Notice(f"No preset has program {program + 1}; slot 1 stays.")]

    def _keep(self) -> list[Output]:
        """Put the last phrase into the next slot that is not heard and holds no captured phrase."""
        if self.heard is None:
            return [Notice("There is no phrase to capture yet.")]
        for number, slot in enumerate(self.slots, 1):
            if slot is None or (slot.melody is None and not self.values[weight_name(number)]):
                self.slots[number - 1] = Slot(f"captured {number}", self.heard.chain, self.heard.melody)
                return [Notice(f"The phrase is in slot {number} for this session; turn it up with CC {19 + number}.")]
        return [Notice("All slots are in use; turn one down to capture into it.")]

    # -- what outlives the process -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Return all musical settings as plain data (JSON), for an engine that takes over from this one."""
        slots = [
            None if slot is None else {"name": slot.name, "melody": _plain(slot.melody)} if slot.melody else slot.name
            for slot in self.slots
        ]
        heard = {"melody": _plain(self.heard.melody), "channel": self.heard.channel} if self.heard else None
        return {"values": dict(self.values), "slots": slots, "hold": self.hold, "heard": heard}

    def restore(self, plain: dict[str, Any]) -> None:
        """Take over from the engine that made the snapshot; what this bank does not have is left as it is."""
        self.values.update({name: spec(name).clamped(value) for name, value in plain["values"].items()})
        self.hold = bool(plain["hold"])
        there = {one.name: one for one in self.voices.songs}
        for place, slot in enumerate(plain["slots"][:SLOTS]):
            if isinstance(slot, dict):
                melody = _melody(slot["melody"])
                self.slots[place] = Slot(slot["name"], self.voices.encode(melody), melody)
            elif slot in there:
                self.slots[place] = Slot(slot, there[slot].chain)
        if plain["heard"]:
            melody = _melody(plain["heard"]["melody"])
            self.heard = Heard(melody, self.voices.encode(melody), plain["heard"]["channel"])

    def _fault(self, error: Exception) -> list[Output]:
        """Count a fault, drop the phrase that caused it, and tell."""
        self.counts.faults += 1
        self.capture.clear()
        what = str(error) if isinstance(error, RnnaeError) else f"{type(error).__name__}: {error}"
        return [Notice(f"The phrase was not answered: {' '.join(what.split())}", fault=True)]


def on_grid(phrase: Phrase) -> Melody:
    """Return a phrase as one voice on the grid.

    Raises:
        RnnaeError: the phrase has no note to use.
    """
    # Live, the performer's channel does not say that the notes are percussion.
    return song(replace(phrase, parts=tuple(replace(part, channel=0) for part in phrase.parts))).melody


def whole_bars(melody: Melody) -> Melody:
    """Return the melody with its last bar filled up with rest."""
    last = melody.bars()[-1]
    if last == melody.length and last > 0:
        return melody
    metre = max((one for one in melody.metres if one.onset <= last), default=melody.metres[0])
    return replace(melody, length=last + metre.bar(PPQ))


def whole_bars_of(chain: Chain) -> Chain:
    """Return a chain without its pickup: mixed songs begin together at a bar line."""
    return chain[1:] if len(chain) > 1 and chain[0].pickup else chain


def velocity_at(played: Melody, tick: int) -> int:
    """Return how hard the phrase was played at ``tick``, 1-127; behind its end it begins again."""
    here = tick % max(1, played.length)
    velocity = played.notes[0].velocity if played.notes else 80
    for note in played.notes:
        if note.onset > here:
            break
        velocity = note.velocity
    return min(max(velocity, 1), 127)


def _plain(melody: Melody) -> dict[str, Any]:
    """Return a melody as plain data."""
    return {
        "notes": [[n.onset, n.duration, n.pitch, n.velocity] for n in melody.notes],
        "length": melody.length,
        "metres": [[m.onset, m.numerator, m.denominator] for m in melody.metres],
        "pickup": melody.pickup,
        "bpm": melody.bpm,
    }


def _melody(plain: dict[str, Any]) -> Melody:
    """Return the melody that ``_plain`` wrote."""
    notes = tuple(Note(*note) for note in plain["notes"])
    return Melody(notes, plain["length"], tuple(Metre(*m) for m in plain["metres"]), plain["pickup"], plain["bpm"])
