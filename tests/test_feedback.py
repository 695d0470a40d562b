"""The feedback guard: every loop is cut in time, nothing that is played ever is, and it opens again by itself."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnae_live.events import NoteOff, NoteOn, note_off, note_on, read
from rnnae_live.feedback import Guard

pytestmark = pytest.mark.unit

Timed = tuple[float, bytes]
WITHIN_SECONDS, WITHIN_MESSAGES = 0.25, 100


@dataclass
class Wire:
    """What connects Out with In: after ``delay``, ``interval`` semitones higher, velocities times ``scale``."""

    delay: float
    interval: int = 0
    jitter: float = 0.0
    scale: float = 1.0
    channel: int = 0
    controls: bool = True
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    last: float = 0.0

    def carry(self, at: float, data: bytes) -> Timed | None:
        """Return when and as what a message comes back, None where it does not."""
        arrival = at + max(1e-5, self.delay + self.dice.uniform(-self.jitter, self.jitter))
        self.last = arrival = max(self.last, arrival)  # No cable changes the order.
        status = (data[0] & 0xF0) | (data[0] + self.channel) & 0x0F
        if data[0] & 0xF0 not in (0x80, 0x90):
            return (arrival, bytes((status, *data[1:]))) if self.controls else None
        pitch = data[1] + self.interval
        if not 0 <= pitch <= 127:
            return None
        velocity = min(127, max(1, round(data[2] * self.scale))) if data[2] else 0
        return arrival, bytes((status, pitch, velocity))


@dataclass
class Stage:
    """An instrument with a guard: passes on what it hears where ``thru``, plays ``answers``; ``wire`` may be a loop."""

    wire: Wire | None = None
    thru: bool = False
    guard: Guard = field(default_factory=lambda: Guard(seed=7))
    heard: list[Timed] = field(default_factory=list)
    told: list[tuple[float, str]] = field(default_factory=list)
    out: list[Timed] = field(default_factory=list)
    messages: int = 0
    first_echo: float | None = None
    cut: float | None = None
    cut_after: int = 0
    _queue: list[tuple[float, int, str, bytes]] = field(default_factory=list)
    _serial: int = 0

    def play(self, played: Iterable[Timed] = (), answers: Iterable[Timed] = (), until: float = 1e9) -> Stage:
        """Run until nothing happens any more, or ``until``."""
        for kind, events in (("in", played), ("out", answers)):
            for at, data in events:
                self._push(at, kind, data)
        ticks = max((at for at, *_ in self._queue), default=0.0) + 5.0
        for n in range(int(min(ticks, until) * 4)):
            self._push(n / 4, "tick", b"")
        while self._queue and self._queue[0][0] <= until:
            at, _, kind, data = heapq.heappop(self._queue)
            if kind == "out":
                self._send(at, data)
            elif kind != "tick":
                self._receive(at, kind, data)
            for probe in self.guard.probe(at):
                self._leave(at, probe)
            while (notice := self.guard.news()) is not None:
                self.told.append((at, notice.text))
            if self.guard.looped and self.cut is None:
                self.cut, self.cut_after = at, self.messages
        return self

    def _push(self, at: float, kind: str, data: bytes) -> None:
        self._serial += 1
        heapq.heappush(self._queue, (at, self._serial, kind, data))

    def _receive(self, at: float, kind: str, data: bytes) -> None:
        self.messages += 1
        if kind == "echo" and self.first_echo is None and data[0] & 0xF0 == 0x90:
            self.first_echo = at
        heard = [data] if self.guard.received(data, at) else []
        for message in [*heard, *self.guard.releases()]:
            self.heard.append((at, message))
            if self.thru:
                self._send(at + 0.0002, message)

    def _send(self, at: float, data: bytes) -> None:
        self.messages += 1
        self._leave(at, self.guard.sent(data, at))

    def _leave(self, at: float, data: bytes) -> None:
        self.out.append((at, data))
        back = self.wire.carry(at, data) if self.wire else None
        if back is not None:
            self._push(back[0], "echo", back[1])


def notes(
    pitches: Iterable[int], start: float = 0.0, step: float = 0.125, length: float = 0.9, velocity: int = 80
) -> list[Timed]:
    """Return notes one after the other, machine-exact, each ``length`` of a ``step`` long."""
    line: list[Timed] = []
    for n, pitch in enumerate(pitches):
        line += [
            (start + n * step, note_on(0, pitch, velocity)),
            (start + (n + length) * step, note_off(0, pitch)),
        ]
    return sorted(line, key=lambda event: event[0])


def humanly(line: list[Timed], dice: random.Random, spread: float = 0.005) -> list[Timed]:
    """Return a line as a hand plays it: each note early or late (standard deviation ``spread``), harder or softer."""
    played = []
    for at, data in line:
        velocity = min(127, max(1, round(dice.gauss(data[2], 8))))
        played.append((max(0.0, dice.gauss(at, spread)), bytes((data[0], data[1], velocity))))
    return sorted(played, key=lambda event: event[0])


def melody(dice: random.Random, count: int = 32) -> list[int]:
    return [dice.choice((60, 62, 64, 65, 67, 69, 71, 72)) for _ in range(count)]


def sounding(events: Iterable[Timed]) -> set[tuple[int, int]]:
    """Return the notes that were not released."""
    held: set[tuple[int, int]] = set()
    for _, data in events:
        event = read(data, 0.0)
        if isinstance(event, NoteOn):
            held.add((event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            held.discard((event.channel, event.pitch))
    return held


def assert_cut_in_time(stage: Stage, seconds: float = WITHIN_SECONDS) -> None:
    assert stage.cut is not None, "the loop was not found"
    assert stage.first_echo is not None
    assert stage.cut - stage.first_echo <= seconds
    assert stage.cut_after <= WITHIN_MESSAGES
    assert "Out port leads back into In" in stage.told[0][1]


def is_looped(stage: Stage) -> bool:
    return stage.guard.looped


WIRES = st.builds(
    Wire,
    delay=st.floats(0.0001, 0.2),
    interval=st.integers(-24, 24),
    jitter=st.sampled_from((0.0, 0.0005, 0.0015)),
    scale=st.sampled_from((0.5, 0.8, 1.0, 1.25)),
    channel=st.integers(0, 15),
    dice=st.integers(0, 1000).map(random.Random),
)


@given(wire=WIRES, seed=st.integers(0, 1000))
def test_a_loop_with_thru_is_cut_and_nothing_is_left_sounding(wire: Wire, seed: int) -> None:
    played = notes(melody(random.Random(seed), 24))
    stage = Stage(wire, thru=True).play(played)
    assert_cut_in_time(stage)
    assert not sounding(stage.heard)
    assert not sounding(stage.out)


@given(wire=WIRES, seed=st.integers(0, 1000))
def test_answers_that_come_back_are_cut(wire: Wire, seed: int) -> None:
    answers = notes(melody(random.Random(seed), 24))
    stage = Stage(wire).play(answers=answers)
    assert_cut_in_time(stage)
    assert not sounding(stage.heard)


@given(
    delay=st.floats(0.0001, 0.02),
    interval=st.integers(-24, 24),
    scale=st.sampled_from((0.5, 0.8, 1.0)),
    seed=st.integers(0, 200),
)
@settings(max_examples=60)
def test_a_loop_of_notes_only_is_proved_by_the_marks_within_a_hundred_messages(
    delay: float, interval: int, scale: float, seed: int
) -> None:
    wire = Wire(delay, interval, jitter=min(delay / 2, 0.0015), scale=scale, controls=False)
    stage = Stage(wire).play(answers=notes(melody(random.Random(seed), 32), step=0.05))
    assert stage.cut is not None
    assert stage.cut_after <= WITHIN_MESSAGES


@pytest.mark.parametrize("delay", [0.0001, 0.001, 0.005, 0.01])
def test_a_direct_runaway_of_notes_only_is_cut_in_time(delay: float) -> None:
    stage = Stage(Wire(delay, controls=False), thru=True).play(notes([60], length=0.4), until=3.0)
    assert_cut_in_time(stage)
    assert not sounding(stage.out)


def test_a_controller_that_runs_in_circles_is_cut() -> None:
    stage = Stage(Wire(0.01), thru=True).play([(0.0, b"\xb0\x07\x40")], until=2.0)
    assert stage.cut is not None
    assert stage.cut_after <= WITHIN_MESSAGES
    assert stage.cut <= WITHIN_SECONDS


def test_a_cable_that_is_put_in_during_a_performance_is_found() -> None:
    stage = Stage(thru=True)
    dice = random.Random(3)
    stage.play(humanly(notes(melody(dice, 64)), dice), until=8.0)
    assert not is_looped(stage)
    stage.wire = Wire(0.03, interval=12)
    stage.first_echo, stage.messages = None, 0
    stage.play(humanly(notes(melody(dice, 16), start=8.5), dice))
    assert_cut_in_time(stage)


def test_what_the_performer_plays_meanwhile_is_heard() -> None:
    """Alto over answers in the treble that come back: the hand is heard, the echo is not."""
    dice = random.Random(4)
    answers = notes(melody(dice, 64))
    played = humanly(notes([48, 50, 52, 53] * 8, start=2.03, step=0.19), dice)
    stage = Stage(Wire(0.04)).play(played, answers)
    own = [data for at, data in stage.heard if at > 2.0 and data[1] < 60]
    assert len(own) == len(played)
    assert all(data[1] < 60 for at, data in stage.heard if at > 1.0)


def test_it_opens_again_when_the_cable_is_out() -> None:
    stage = Stage(Wire(0.02)).play(answers=notes(melody(random.Random(5), 16)), until=2.0)
    assert is_looped(stage)
    stage.wire = None
    stage.play(until=5.0)
    assert not is_looped(stage)
    assert "heard again" in stage.told[-1][1]
    assert stage.told[-1][0] <= 2.0 + 2.5
    before = len(stage.heard)
    stage.play(notes([60, 62, 64], start=6.0))
    assert len(stage.heard) == before + 6


def test_it_stays_shut_while_the_cable_is_in_even_in_silence() -> None:
    stage = Stage(Wire(0.02)).play(answers=notes(melody(random.Random(5), 16)), until=60.0)
    assert is_looped(stage)
    assert len(stage.told) == 1


def test_a_loop_of_notes_only_opens_again_too() -> None:
    stage = Stage(Wire(0.02, controls=False)).play(answers=notes(melody(random.Random(5), 40)), until=5.0)
    assert is_looped(stage)
    stage.wire = None
    stage.play(answers=notes(melody(random.Random(6), 40), start=5.5))
    assert not is_looped(stage)
    assert len(stage.told) == 2


def test_an_exact_trill_does_not_keep_it_shut() -> None:
    trill = notes([60, 62] * 100, start=6.0, step=0.06)
    for controls in (True, False):
        stage = Stage(Wire(0.02, controls=controls), thru=True).play(notes([60, 62] * 40, step=0.06), until=5.0)
        assert is_looped(stage)
        stage.wire = None
        stage.play(trill)
        assert not is_looped(stage)


def trill(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    low = dice.randrange(40, 80)
    return notes(
        [low, low + dice.choice((1, 2))] * 24, step=dice.uniform(0.03, 0.12), velocity=dice.randrange(30, 120)
    ), []


def hand_trill(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    return humanly(trill(dice)[0], dice), []


def repeated(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    return notes([dice.randrange(36, 96)] * 40, step=dice.choice((0.02, 0.05, 0.1, 0.125)), velocity=100), []


def arpeggio(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    root = dice.randrange(40, 70)
    chord = [root, root + 4, root + 7, root + 12][: dice.randrange(2, 5)]
    line = notes(chord * 10, step=dice.choice((0.03, 0.0625, 0.125)))
    if dice.random() < 0.5:  # Accents as a sequencer draws them, and as a machine humanises.
        line = [(at, bytes((d[0], d[1], min(127, max(1, d[2] + dice.randrange(-6, 7)))))) for at, d in line]
    return line, []


def same_song(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    """A sequencer plays the very notes of the answer, exactly, a constant moment later, at its own loudness."""
    line = melody(dice)
    late = dice.choice((0.0, 0.001, 0.01, 0.125))
    step = dice.choice((0.0625, 0.125))
    interval = dice.choice((0, 0, 12, -12))
    return notes([p + interval for p in line], start=late, step=step, velocity=dice.randrange(40, 110)), notes(
        line, step=step
    )


def imitation(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    """The performer imitates the answer by hand, at once or in unison."""
    line = melody(dice)
    return humanly(notes(line, start=dice.choice((0.0, 0.03, 0.125))), dice), notes(line)


def bend_and_turn(dice: random.Random) -> tuple[list[Timed], list[Timed]]:
    """Knobs, the pedal and parameters (NRPN) by the dozen while a trill is passed on."""
    turned = [
        (n * 0.01, bytes((0xB0, controller, dice.randrange(128))))
        for n in range(200)
        for controller in (1, 64, 99, 98, 101, 100, 6)
    ]
    return sorted(trill(dice)[0] + turned, key=lambda event: event[0]), []


PHRASES: list[Callable[[random.Random], tuple[list[Timed], list[Timed]]]] = [
    trill, hand_trill, repeated, arpeggio, same_song, imitation, bend_and_turn,
]  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("phrase", PHRASES)
def test_no_alarm_in_ten_thousand_phrases(phrase: Callable[[random.Random], tuple[list[Timed], list[Timed]]]) -> None:
    """A session of many phrases with one guard, thru on or off, as suspicions add up over an evening."""
    count = 10_000 if phrase is trill else 300 if phrase is bend_and_turn else 1_000
    dice = random.Random(11)
    guard, at, offered, let_through, probes = Guard(seed=5), 0.0, 0, 0, 0
    for number in range(count):
        played, answers = phrase(dice)
        thru = number % 2 == 0
        line = sorted([(t, 0, d) for t, d in played] + [(t, 1, d) for t, d in answers])
        for t, kind, data in line:
            if kind:
                guard.sent(data, at + t)
                continue
            offered += 1
            heard = guard.received(data, at + t)
            let_through += heard
            if heard and thru:
                guard.sent(data, at + t + 0.0003)
            probes += len(guard.probe(at + t)) // 4
        at += line[-1][0] + 0.5
    assert guard.news() is None
    assert let_through == offered
    assert probes <= at + 10


def test_a_loop_told_apart_is_described() -> None:
    stage = Stage(Wire(0.05, interval=7)).play(answers=notes(melody(random.Random(8), 30)))
    assert "Out port leads back into In" in stage.told[0][1]
    stage = Stage(Wire(0.05, interval=7, controls=False)).play(answers=notes(melody(random.Random(8), 40)))
    assert "after 50 ms, 7 semitones higher" in stage.told[0][1]


def test_nothing_is_changed_or_sent_without_a_suspicion() -> None:
    guard = Guard(seed=1)
    for n, (at, data) in enumerate(notes(melody(random.Random(9), 32))):
        assert guard.sent(data, at) == data
        assert guard.received(b"\x90" + bytes((30 + n, 60)), at + 0.3) is True or n
    assert guard.received(b"\xf8", 9.0)
    assert guard.received(b"\xf0\x7d\xf7", 9.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.02), st.binary(min_size=3, max_size=3)), max_size=200))
def test_any_bytes_in_any_order_are_borne(events: list[tuple[bool, float, bytes]]) -> None:
    guard, at = Guard(seed=2), 0.0
    for leaves, step, raw in events:
        at += step
        data = bytes((0x80 + raw[0] % 0x70, raw[1] & 127, raw[2] & 127))
        if leaves:
            sent = guard.sent(data, at)
            assert (sent[:2], len(sent)) == (data[:2], 3)
        else:
            guard.received(data, at)
        guard.probe(at)
    assert not guard.looped
