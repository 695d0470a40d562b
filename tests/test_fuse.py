"""The fuse: bounded under every flood, lanes in their order, and no note-off lost whose note-on has passed."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.events import note_off, note_on
from rnnae_live.fuse import BURST, CLOCK_BURST, CLOCK_RATE, MOST_OWED, RATE, ROOM, Fuse, Lane, lane

pytestmark = pytest.mark.unit

Timed = tuple[float, bytes]


def run(fuse: Fuse, events: list[Timed], turn: float = 0.001) -> list[Timed]:
    """Return what goes on where ``take`` is called every ``turn`` seconds, and for a while after the end."""
    passed: list[Timed] = []
    taken_at = 0.0
    for at, data in events:
        while at - taken_at >= turn:
            taken_at += turn
            passed += fuse.take(taken_at)
        fuse.put(at, data)
    passed += fuse.take(taken_at + turn)
    return passed + fuse.take(taken_at + 60.0)


def flood(rate: float, seconds: float, seed: int, kinds: str = "onvcsp") -> list[Timed]:
    """Return a flood of note-ons, their note-offs, values, clock, SysEx and panic."""
    dice = random.Random(seed)
    held: list[tuple[int, int]] = []
    events: list[Timed] = []
    for n in range(int(rate * seconds)):
        kind, channel = dice.choice(kinds), dice.randrange(16)
        if kind == "o" and held:
            data = note_off(*held.pop(dice.randrange(len(held))))
        elif kind in "no":
            held.append((channel, dice.randrange(128)))
            data = note_on(*held[-1], dice.randrange(1, 128))
        elif kind == "v":
            data = bytes((dice.choice((0xB0, 0xA0)) | channel, dice.randrange(120), dice.randrange(128)))
        elif kind == "c":
            data = dice.choice((b"\xf8", b"\xf8", b"\xfa", b"\xfc", b"\xf2\x01\x02"))
        elif kind == "s":
            data = b"\xf0" + bytes(dice.randrange(1, 200)) + b"\xf7"
        else:
            data = bytes((0xB0 | channel, dice.choice((120, 123)), 0))
        events.append((n / rate, data))
    return events


def unpaired(passed: list[Timed]) -> Counter[tuple[int, int]]:
    """Return the note-ons without a note-off; fail where a note-off has no note-on before it."""
    open_notes: Counter[tuple[int, int]] = Counter()
    for _, data in passed:
        key = (data[0] & 15, data[1] if len(data) > 1 else 0)
        if lane(data) is Lane.NOTE_ON:
            open_notes[key] += 1
        elif lane(data) is Lane.NOTE_OFF:
            assert open_notes[key] > 0, "a note-off without its note-on"
            open_notes[key] -= 1
    return +open_notes


def test_what_is_played_passes_untouched_and_in_order() -> None:
    others = [b"\xf0" + bytes(100) + b"\xf7", b"\xe0\x01\x02", b"\xc0\x05"]
    events = flood(1000, 3.0, 1, kinds="nov") + [(3.1, data) for data in others]
    fuse = Fuse()
    assert run(fuse, events) == events
    assert not any(fuse.dropped.values())
    assert fuse.news() is None


@pytest.mark.parametrize("rate", [20_000, 100_000])
def test_a_flood_is_bounded_and_every_note_that_passes_ends(rate: int) -> None:
    events = flood(rate, 1.0, 2)
    events += [(1.0, note_off(*key)) for key in unpaired(events).elements()]
    fuse = Fuse()
    passed = run(fuse, events)
    flood_out = [data for at, data in passed if at < 1.0]
    counts = Counter(lane(data) for data in flood_out)
    assert counts[Lane.NOTE_ON] + counts[Lane.VALUE] + counts[Lane.SYSEX] <= RATE + BURST + 16 * 240
    assert counts[Lane.NOTE_OFF] <= counts[Lane.NOTE_ON]
    assert counts[Lane.CLOCK] <= CLOCK_RATE + CLOCK_BURST
    assert not unpaired(passed)
    assert fuse.dropped[Lane.NOTE_ON] > 0
    assert fuse.dropped[Lane.SYSEX] > 0
    notice = fuse.news()
    assert notice is not None
    assert "More than 3000 messages a second" in notice.text
    assert fuse.news() is None


@given(
    st.lists(
        st.tuples(st.sampled_from((0.0, 1e-5, 1e-3)), st.integers(0, 1), st.integers(60, 63), st.booleans()),
        max_size=300,
    ),
    st.floats(1, 500),
    st.integers(1, 20),
)
def test_every_note_on_that_passes_has_its_note_off_and_no_other_has(
    steps: list[tuple[float, int, int, bool]], rate: float, burst: int
) -> None:
    at, events = 0.0, list[Timed]()
    held = Counter[tuple[int, int]]()
    for step, channel, pitch, on in steps:
        at += step
        if on and held[channel, pitch] < MOST_OWED:
            held[channel, pitch] += 1
            events.append((at, note_on(channel, pitch, 90)))
        elif held[channel, pitch]:
            held[channel, pitch] -= 1
            events.append((at, note_off(channel, pitch)))
    events += [(at, note_off(*key)) for key in held.elements()]
    fuse = Fuse(rate, burst)
    passed = run(fuse, events)
    assert not unpaired(passed)
    assert [at for at, _ in passed] == sorted(at for at, _ in passed)
    ons = sum(lane(data) is Lane.NOTE_ON for _, data in events)
    assert fuse.dropped[Lane.NOTE_ON] == ons - sum(lane(data) is Lane.NOTE_ON for _, data in passed)
    assert fuse.dropped[Lane.NOTE_OFF] == 0


def test_under_a_flood_of_values_notes_pass_and_the_newest_value_arrives() -> None:
    events = [(n / 20_000, bytes((0xB0, n % 8, n // 8 % 128))) for n in range(40_000)]
    notes = [(0.5 + n * 0.01 + 1e-6, note_on(0, 60 + n, 90)) for n in range(50)]
    fuse = Fuse()
    passed = run(fuse, sorted(events + notes))
    assert [event for event in passed if event[1][0] == 0x90] == notes
    for controller in range(8):
        last = [data for _, data in passed if data[:2] == bytes((0xB0, controller))][-1]
        assert last == [data for _, data in events if data[1] == controller][-1]
    assert fuse.replaced > 0
    assert fuse.dropped[Lane.VALUE] == 0


def test_under_a_flood_of_notes_clock_and_panic_pass() -> None:
    clock = [(n / 48, b"\xf8") for n in range(48)]
    panic = [(0.7, bytes((0xB0 | channel, 123, 0))) for channel in range(16)]
    fuse = Fuse()
    passed = run(fuse, sorted([*flood(50_000, 1.0, 3, kinds="no"), *clock, *panic]))
    assert [event for event in passed if event[1] == b"\xf8"] == clock
    assert [event for event in passed if lane(event[1]) is Lane.PANIC] == panic


def test_a_flood_of_panic_is_bounded_too() -> None:
    passed = run(Fuse(), flood(50_000, 1.0, 6, kinds="p"))
    assert 32 <= len(passed) <= 32 * 51


def test_an_older_value_never_follows_a_newer_one() -> None:
    fuse = Fuse(rate=100, burst=10)
    passed = run(fuse, [(n * 0.003, bytes((0xB0, 7, n))) for n in range(128)], turn=0.01)
    values = [data[2] for _, data in passed]
    assert values == sorted(values)
    assert values[-1] == 127


@pytest.mark.parametrize("kinds", ["n", "no", "v", "c", "s", "p"])
def test_what_waits_is_bounded_where_nobody_takes(kinds: str) -> None:
    fuse = Fuse()
    for at, data in flood(20_000, 10.0, 4, kinds):
        fuse.put(at, data)
    assert fuse.waiting <= 2 * ROOM + 16 * 240
    assert len(fuse.take(10.0)) <= 2 * ROOM + 16 * 240


def test_the_next_flood_is_told_again_after_a_quiet_while() -> None:
    fuse = Fuse(rate=10, burst=5)
    told = 0
    for start in (0.0, 1.0, 20.0):
        run(fuse, [(start + n * 1e-4, note_on(0, n, 1)) for n in range(50)])
        told += fuse.news() is not None
    assert told == 2


@pytest.mark.parametrize("data", [b"", b"\x90\x40", b"\x40\x40\x40", b"\xfe", b"\xf4", b"\xc0\x01\x02", b"\xb0\x7b"])
def test_what_is_no_message_for_an_instrument_is_dropped(data: bytes) -> None:
    fuse = Fuse()
    assert not fuse.put(0.0, data)
    assert fuse.take(1.0) == []
