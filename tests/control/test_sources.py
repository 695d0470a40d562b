"""Bytes of a controller become the controls that were moved, pairs and parameter numbers put together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control.sources import FINE, HIGHEST, NEVER, Heard, Kind, Reader, Source, numbered, placed, source
from rnnae_live.errors import ControlError
from rnnae_live.events import read

pytestmark = pytest.mark.unit

SOURCES = st.sampled_from(list(Kind)).flatmap(
    lambda kind: st.builds(
        Source, st.just(kind), st.integers(0, HIGHEST.get(kind, 0)), st.one_of(st.none(), st.integers(0, 15))
    )
)


def heard(*messages: bytes) -> list[Heard]:
    reader = Reader()
    events = [read(data, float(at)) for at, data in enumerate(messages)]
    return [one for event in events if event is not None for one in reader.read(event)]


def values(kind: Kind, *messages: bytes) -> list[tuple[Source, int]]:
    return [(one.source, one.value) for one in heard(*messages) if one.source.kind is kind]


@given(SOURCES)
def test_words_name_a_source_and_no_other(one: Source) -> None:
    assert source(str(one)) == one


@pytest.mark.parametrize(
    "words", ["", "cc", "cc 128", "cc14 32", "knob 3", "note 3 channel 17", "bend 2", "cc x", "cc ²"]
)
def test_words_that_name_none_are_refused(words: str) -> None:
    with pytest.raises(ControlError, match="names no control"):
        source(words)


def test_programs_and_channels_are_counted_as_performers_do() -> None:
    assert source("program 1 channel 10") == Source(Kind.PROGRAM, 0, 9)


@pytest.mark.parametrize(
    ("data", "one"),
    [
        (b"\xb2\x47\x05", Heard(0.0, Source(Kind.CC, 71, 2), 5)),
        (b"\x99\x24\x50", Heard(0.0, Source(Kind.NOTE, 36, 9), 80)),
        (b"\x99\x24\x00", Heard(0.0, Source(Kind.NOTE, 36, 9), 0)),
        (b"\xc0\x07", Heard(0.0, Source(Kind.PROGRAM, 7, 0), 127)),
        (b"\xe1\x00\x40", Heard(0.0, Source(Kind.BEND, 0, 1), 8192, FINE)),
        (b"\xd0\x11", Heard(0.0, Source(Kind.PRESSURE, 0, 0), 17)),
        (b"\xa0\x3c\x05", Heard(0.0, Source(Kind.KEY, 60, 0), 5)),
    ],
)
def test_each_message_is_one_control(data: bytes, one: Heard) -> None:
    assert heard(data) == [one]


@pytest.mark.parametrize("controller", range(120, 128))
def test_channel_modes_are_no_controls(controller: int) -> None:
    assert heard(bytes((0xB0, controller, 0))) == []


def test_a_pair_is_heard_whole_and_in_its_parts() -> None:
    got = heard(b"\xb0\x01\x40", b"\xb0\x21\x05")
    assert [(one.source.kind, one.value) for one in got] == [
        (Kind.CC14, round(64 * FINE / 127)),
        (Kind.CC, 64),
        (Kind.CC14, 64 << 7 | 5),
        (Kind.CC, 5),
    ]


def test_a_pair_without_its_fine_half_still_reaches_both_ends() -> None:
    assert [value for _, value in values(Kind.CC14, b"\xb0\x01\x00", b"\xb0\x01\x7f")] == [0, FINE]


@given(st.lists(st.integers(0, FINE), min_size=2, max_size=40, unique=True), st.booleans())
def test_a_pair_that_goes_one_way_is_never_heard_to_go_back(path: list[int], up: bool) -> None:
    path = sorted(path, reverse=not up)
    messages = [data for value in path for data in (bytes((0xB0, 7, value >> 7)), bytes((0xB0, 39, value & 127)))]
    got = [value for _, value in values(Kind.CC14, *messages)][2:]
    # The coarse half 0 may be all there is of the end, and is taken so.
    steps = [(b - a) * (1 if up else -1) for a, b in pairwise(got) if min(a, b) >= 128]
    assert min(steps, default=0) >= 0
    assert got[-1] == path[-1]


def test_a_fine_half_alone_says_nothing() -> None:
    assert values(Kind.CC14, b"\xb0\x27\x40") == []


NRPN = (b"\xb3\x63\x02", b"\xb3\x62\x2c")


def test_a_parameter_number_gathers_both_halves_of_its_value() -> None:
    got = values(Kind.NRPN, *NRPN, b"\xb3\x06\x40", b"\xb3\x26\x01")
    assert got == [(Source(Kind.NRPN, 300, 3), round(64 * FINE / 127)), (Source(Kind.NRPN, 300, 3), 64 << 7 | 1)]
    assert values(Kind.CC, *NRPN, b"\xb3\x06\x40", b"\xb3\x26\x01") == []


@pytest.mark.parametrize("ending", [(b"\xb3\x65\x7f", b"\xb3\x64\x7f"), (b"\xb3\x63\x7f", b"\xb3\x62\x7f")])
def test_after_the_null_parameter_data_entry_is_a_plain_controller(ending: tuple[bytes, bytes]) -> None:
    assert values(Kind.CC, *NRPN, *ending, b"\xb3\x06\x40") == [(Source(Kind.CC, 6, 3), 64)]


def test_registered_parameters_move_nothing() -> None:
    assert heard(b"\xb0\x65\x00", b"\xb0\x64\x00", b"\xb0\x06\x02", b"\xb0\x26\x00") == []


def test_channels_have_their_own_parameter_numbers() -> None:
    assert values(Kind.CC, *NRPN, b"\xb4\x06\x40") == [(Source(Kind.CC, 6, 4), 64)]


@pytest.mark.parametrize("byte", [0, 1, 64, 127])
def test_an_increment_and_a_decrement_are_steps_of_the_parameter_whatever_their_value(byte: int) -> None:
    got = heard(*NRPN, bytes((0xB3, 96, byte)), bytes((0xB3, 97, byte)), bytes((0xB3, 96, byte)))
    assert [(one.source, one.clicks) for one in got] == [(Source(Kind.NRPN, 300, 3), step) for step in (1, -1, 1)]


def test_steps_of_nothing_and_of_registered_parameters_move_nothing() -> None:
    steps = (b"\xb3\x60\x00", b"\xb3\x61\x00")
    assert heard(*steps) == []
    assert heard(*NRPN, b"\xb3\x63\x7f", b"\xb3\x62\x7f", *steps) == []
    assert heard(*NRPN, b"\xb3\x65\x00", b"\xb3\x64\x00", *steps) == []
    assert heard(*NRPN, b"\xb4\x60\x00") == []


def test_a_fine_half_after_a_step_does_not_go_back_to_the_coarse_one_before_it() -> None:
    got = values(Kind.NRPN, *NRPN, b"\xb3\x06\x40", b"\xb3\x26\x01", b"\xb3\x60\x00", b"\xb3\x26\x02")
    assert [value for _, value in got] == [round(64 * FINE / 127), 64 << 7 | 1, 0]
    again = values(Kind.NRPN, *NRPN, b"\xb3\x06\x40", b"\xb3\x60\x00", b"\xb3\x06\x20", b"\xb3\x26\x02")
    assert again[-1] == (Source(Kind.NRPN, 300, 3), 32 << 7 | 2)


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=60))
def test_whatever_comes_nothing_is_out_of_range(messages: list[bytes]) -> None:
    for one in heard(*messages):
        assert 0 <= one.value <= one.top
        assert 0 <= one.place() <= 1
        assert 0 <= one.place(centred=True) <= 1


@pytest.mark.parametrize("top", [127, FINE])
@pytest.mark.parametrize("centred", [False, True])
def test_every_number_stands_for_a_place_of_its_own(top: int, centred: bool) -> None:
    places = [placed(value, top, centred=centred) for value in range(top + 1)]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0.0, 1.0)
    assert [numbered(place, top, centred=centred) for place in places] == list(range(top + 1))


@pytest.mark.parametrize("number", range(128))
def test_what_means_something_to_every_instrument_is_never_learned(number: int) -> None:
    never = number in {0, 32, 6, 38, *range(96, 102), *range(120, 128)}
    assert (Source(Kind.CC, number).refusal() is not None) == never == (number in NEVER)


@pytest.mark.parametrize(("number", "refused"), [(0, True), (6, True), (1, False), (31, False)])
def test_pairs_are_refused_with_their_halves(number: int, refused: bool) -> None:
    assert (Source(Kind.CC14, number).refusal() is not None) == refused
