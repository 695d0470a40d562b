"""The instrument in virtual time: seconds pass when they are told to, and the bank needs no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from rnnae_live.clock import PPQ
from rnnae_live.control import spec
from rnnae_live.engine import Engine
from rnnae_live.errors import PresetError
from rnnae_live.events import Notice, Output, note_off, note_on, read
from rnnae_live.hearing import whole_bars
from rnnae_live.melody import Melody
from rnnae_live.phrase import Metre, Note
from rnnae_live.player import Player
from rnnae_live.settings import PartSettings, Settings
from rnnae_live.state import Chain

BEAT = 0.5
"""Seconds of a quarter note at the tempo of these tests, 120."""

BAR = 4 * BEAT

BEGIN = 100.0
"""Second at which virtual time begins."""

UP, DOWN = [60, 62, 64, 65], [72, 71, 69, 67, 65, 64, 62, 60, 59, 57, 55, 53]
"""Pitches of the two songs of the bank."""


@dataclass
class Piece:
    """Two bars of a melody, where the real thing has their state."""

    melody: Melody
    pickup: bool = False

    @property
    def length(self) -> int:
        return self.melody.length

    @property
    def metre(self) -> Metre:
        return self.melody.metres[0]


@dataclass
class Scene:
    """What a preset sets beside its place in the mix."""

    values: dict[str, bool | float | str] = field(default_factory=dict)
    mode: str | None = None
    mapping: str | None = None


@dataclass
class Preset:
    """A song whose states are its notes."""

    name: str
    melody: Melody
    program: int | None = None
    scene: Scene | None = None
    slot: int | None = None
    chain: Chain = field(init=False)

    def __post_init__(self) -> None:
        self.chain = cast("Chain", tuple(Piece(piece) for piece in self.melody.cut()))


def line(*pitches: int, beats: float = 1.0) -> Melody:
    """A melody of equal notes."""
    ticks = int(PPQ * beats)
    notes = tuple(Note(number * ticks, ticks, pitch) for number, pitch in enumerate(pitches))
    return whole_bars(Melody(notes, ticks * len(pitches)))


@dataclass
class Refining:
    """A phrase that is exact after three steps."""

    chain: Chain
    left: int = 3
    exact: bool = True

    def step(self) -> bool:
        self.left -= 1
        return self.left <= 0


Mix = Sequence[tuple[Chain, float]]


@dataclass
class Echo:
    """A bank in which the mix is its heaviest voice. It remembers what it was asked for."""

    songs: list[Preset] = field(
        default_factory=lambda: [
            Preset("Up", line(60, 62, 64, 65), 0),
            Preset("Down", line(72, 71, 69, 67, 65, 64, 62, 60, 59, 57, 55, 53), 4),
        ]
    )
    asked: list[tuple[list[tuple[Chain, float]], float]] = field(default_factory=list)
    seeds: list[tuple[int, int]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    broken: str = ""

    def find(self, name: str) -> Preset:
        for song in self.songs:
            if song.name == name:
                return song
        raise PresetError(f"There is no preset called '{name}'.")

    def by_number(self, number: int) -> Preset | None:
        return next((song for song in self.songs if song.program == number), None)

    def encode(self, melody: Melody) -> Chain:
        if self.broken == "encode":
            raise ValueError("NaN in the state")
        return Preset("played", melody).chain

    def length(self, mix: Mix) -> int:
        return max(len(chain) for chain, _ in mix)

    def piece(
        self,
        mix: Mix,
        at: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        within: frozenset[int] | None = None,
        tie: int | None = None,
    ) -> Melody:
        if self.broken == "compose":
            raise RuntimeError("the decoder never ends")
        self.asked.append((list(mix), temperature))
        self.seeds.append((at, seed))
        return self._heaviest(mix, at)

    def pieces(
        self,
        mixes: Sequence[Mix],
        at: int,
        *,
        temperature: float = 0.0,
        seed: int = 0,
        within: frozenset[int] | None = None,
        tie: int | None = None,
    ) -> list[Melody]:
        self.batches.append(len(mixes))
        return [self._heaviest(mix, at) for mix in mixes]

    def capture(self, melody: Melody) -> Refining:
        return Refining(Preset("captured", melody).chain)

    @property
    def knobs(self) -> Sequence[str]:
        return ("density",)

    def steered(self, mix: Mix, at: int, knobs: Mapping[str, float]) -> Iterator[Chain]:
        """A denser piece has every note an octave up, after three steps."""
        for _ in range(3):
            melody = self._heaviest(mix, at)
            high = replace(melody, notes=tuple(replace(note, pitch=note.pitch + 12) for note in melody.notes))
            yield cast("Chain", (Piece(high),))

    def _heaviest(self, mix: Mix, at: int) -> Melody:
        chain = max(mix, key=lambda voice: voice[1])[0]
        return cast("Piece", chain[at % len(chain)]).melody


class Stage:
    """An engine and a player whose seconds pass when they are told to."""

    def __init__(self, settings: Settings | PartSettings | None = None, voices: Echo | None = None) -> None:
        self.voices = voices or Echo()
        if isinstance(settings, PartSettings):
            settings = Settings(parts=(settings,))
        self.engine = Engine(self.voices, settings)
        self.now = BEGIN
        self.sent: list[tuple[float, bytes]] = []
        self.notices: list[Notice] = []
        self.player = Player(lambda data: self.sent.append((round(self.now, 4), data)))
        self.take(self.engine.start(self.now))

    def run(self, until: float) -> None:
        """Let time pass, stopping wherever anything is due."""
        still = 0
        while self.now < until:
            before = self.now
            waits = [at for at in (self.engine.wake(), self.player.next_at()) if at is not None and at <= until]
            self.now = max(self.now, min(waits, default=until))
            self.take(self.engine.advance(self.now))
            still = still + 1 if self.now == before else 0
            assert still < 50, f"the engine wants to be asked again and again at {self.now}"

    def hear(self, data: bytes) -> None:
        """Let a message arrive now."""
        event = read(data, self.now)
        if event is not None:
            self.take(self.engine.handle(event, self.now))

    def turn(self, controller: int, value: int, channel: int = 0) -> None:
        """Let a knob move."""
        self.hear(bytes((0xB0 | channel, controller, value)))

    def play(self, *pitches: int, beats: float = 1.0, velocity: int = 80, channel: int = 0) -> None:
        """Play notes one after the other; time passes."""
        for pitch in pitches:
            end = self.now + beats * BEAT
            self.hear(note_on(channel, pitch, velocity))
            self.run(end - 0.02)
            self.hear(note_off(channel, pitch))
            self.run(end)

    def work(self) -> None:
        """Do all that can wait."""
        done = self.engine.work()
        while done is not None:
            self.take(done)
            done = self.engine.work()

    def take(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Notice):
                self.notices.append(output)
            else:
                self.player.take(output)
        self.player.play(self.now)

    def ons(self, since: float = 0.0) -> list[tuple[float, int, int]]:
        """(seconds since the beginning, pitch, velocity) of all note-ons sent ``since`` a second."""
        return [
            (round(at - BEGIN, 3), data[1], data[2])
            for at, data in self.sent
            if data[0] & 0xF0 == 0x90 and at - BEGIN >= since
        ]

    def pitches(self, since: float = 0.0) -> list[int]:
        """The pitches of all note-ons."""
        return [pitch for _, pitch, _ in self.ons(since)]

    def whole(self) -> bool:
        """Whether every note-on has had exactly one note-off, and nothing sounds."""
        keys: dict[tuple[int, int], int] = {}
        for _, data in self.sent:
            key = (data[0] & 0x0F, data[1])
            if data[0] & 0xF0 == 0x90:
                if keys.get(key):
                    return False
                keys[key] = 1
            elif data[0] & 0xF0 == 0x80:
                if not keys.get(key):
                    return False
                keys[key] = 0
        return not any(keys.values()) and not list(self.player.ledger)


def choose(name: str, word: str) -> float:
    return spec(name).named(word)


def looping(*presets: tuple[str, float], **values: float) -> PartSettings:
    given = {"mode": choose("mode", "loop"), "follow": 0.0, **values}
    return PartSettings(presets=presets, values=given)


def begun(stage: Stage) -> float:
    """Second at which the transport was at tick 0."""
    return round(stage.engine.transport.clock.time(0) - BEGIN, 3)
