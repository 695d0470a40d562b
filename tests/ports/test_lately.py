"""What has been let go of lately is said again, and nothing that has begun since."""

from __future__ import annotations

import pytest

from rnnae_live.ports.lately import LATELY, Lately

pytestmark = pytest.mark.unit

ON, OFF, OTHER_OFF = b"\x90\x3c\x40", b"\x80\x3c\x00", b"\x81\x3c\x00"
DOWN, UP = b"\xb0\x40\x7f", b"\xb0\x40\x00"


def test_what_let_go_is_said_again_in_order() -> None:
    lately = Lately()
    for data in (ON, DOWN, OFF, UP, OTHER_OFF, b"\xb2\x7b\x00"):
        lately.written(7, data)
    assert lately.again(8) == [OFF, UP, OTHER_OFF, b"\xb2\x7b\x00"]


@pytest.mark.parametrize(("ends", "begins"), [(OFF, ON), (b"\x90\x3c\x00", ON), (UP, DOWN)])
def test_what_has_begun_since_is_not_let_go_of(ends: bytes, begins: bytes) -> None:
    lately = Lately()
    lately.written(1, ends)
    assert lately.again(1) == [ends]
    lately.written(2, begins)
    assert lately.again(2) == []


@pytest.mark.parametrize("data", [b"\xb0\x07\x00", b"\xb0\x60\x00", b"\xe0\x00\x40", b"\xc0\x05", b"\xf8", b"\xf0\xf7"])
def test_nothing_else_is_said_twice(data: bytes) -> None:
    lately = Lately()
    lately.written(1, data)
    assert lately.again(1) == []


def test_what_is_old_is_forgotten_however_often_it_was_said() -> None:
    lately = Lately()
    lately.written(1, OFF)
    for period in range(2, 2 + LATELY):
        assert lately.again(period) == [OFF]
        lately.written(period, OFF)
    assert lately.again(2 + LATELY) == []
    lately.written(3 + LATELY, OFF)
    assert lately.again(3 + LATELY) == [OFF]


def test_an_end_that_comes_long_after_one_that_nobody_asked_about_is_new() -> None:
    lately = Lately()
    lately.written(1, OFF)
    lately.written(1000, OFF)
    assert lately.again(1001) == [OFF]
