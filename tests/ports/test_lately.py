"""What has been let go of lately is said again, and nothing that has begun since."""

from __future__ import annotations

import pytest

from rnnae_live.ports.lately import LATELY, TIMES, Lately

pytestmark = pytest.mark.unit

ON, OFF, OTHER_OFF = b"\x90\x3c\x40", b"\x80\x3c\x00", b"\x81\x3c\x00"
DOWN, UP = b"\xb0\x40\x7f", b"\xb0\x40\x00"


def said_again(*messages: bytes, lately: Lately | None = None, at: int = 1) -> list[bytes]:
    """Return what is said again at once when the period in which messages were written is lost."""
    lately = lately or Lately()
    for data in messages:
        lately.written(at, data)
    lately.lost(at)
    return lately.again(at)


def test_what_let_go_is_said_again_in_order() -> None:
    assert said_again(ON, DOWN, OFF, UP, OTHER_OFF, b"\xb2\x7b\x00") == [OFF, UP, OTHER_OFF, b"\xb2\x7b\x00"]


def test_nothing_is_said_again_while_nothing_is_lost() -> None:
    lately = Lately()
    lately.written(1, OFF)
    assert lately.again(1) == []


@pytest.mark.parametrize(("ends", "begins"), [(OFF, ON), (b"\x90\x3c\x00", ON), (UP, DOWN)])
def test_what_has_begun_since_is_not_let_go_of(ends: bytes, begins: bytes) -> None:
    lately = Lately()
    assert said_again(ends, lately=lately) == [ends]
    assert said_again(begins, lately=lately) == []


def test_a_panic_is_not_said_again_over_what_has_begun_after_it() -> None:
    panic, other = b"\xb0\x78\x00", b"\xb1\x78\x00"
    assert said_again(panic, other, ON) == [other]


NOTHING_ENDS = [b"\xb0\x07\x00", b"\xb0\x60\x00", b"\xe0\x00\x40", b"\xc0\x05", b"\xf8", b"\xf0\xf7"]


@pytest.mark.parametrize("data", NOTHING_ENDS)
def test_nothing_else_is_said_twice(data: bytes) -> None:
    assert said_again(data) == []


def test_it_is_said_several_times_for_what_is_lost_without_a_word() -> None:
    lately = Lately()
    lately.written(1, OFF)
    lately.lost(2)
    assert [period for period in range(2, 60) if lately.again(period)] == [2 + later for later in TIMES]


def test_what_is_old_is_not_said() -> None:
    lately = Lately()
    lately.written(1, OFF)
    assert said_again(lately=lately, at=1 + LATELY) == [OFF]
    assert said_again(lately=lately, at=2 + LATELY) == []


def test_a_server_that_loses_every_period_does_not_have_it_said_for_ever() -> None:
    lately = Lately()
    lately.written(1, OFF)
    count = 0
    for period in range(2, 200):
        lately.lost(period)
        for data in lately.again(period):
            lately.written(period, data)
            count += 1
    assert 0 < count <= LATELY


def test_an_end_that_comes_long_after_another_one_is_new() -> None:
    lately = Lately()
    lately.written(1, OFF)
    assert said_again(OFF, lately=lately, at=1000) == [OFF]
