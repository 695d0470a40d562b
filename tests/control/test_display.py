"""Where a value is shown: in words, and as the numbers that are sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnae_live.control.display import SHOWING, Display, display
from rnnae_live.control.sources import HIGHEST, Source
from rnnae_live.errors import ControlError

pytestmark = pytest.mark.unit


@st.composite
def displays(draw: st.DrawFn) -> Display:
    kind = draw(st.sampled_from(sorted(SHOWING, key=str)))
    channel = draw(st.none() | st.integers(0, 15))
    message = Source(kind, draw(st.integers(0, HIGHEST.get(kind, 0))), channel)
    top = Display(message).top
    return Display(message, draw(st.integers(0, top)), draw(st.integers(0, top)))


@given(displays())
def test_words_name_it_again(one: Display) -> None:
    assert str(display(str(one))) == str(one)
    assert (display(str(one)).low, display(str(one)).highest) == (one.low, one.highest)


@given(displays(), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_more_is_never_shown_as_less_and_the_ends_are_the_ends(one: Display, a: float, b: float, centred: bool) -> None:
    low, high = (one.number(place, centred=centred) for place in sorted((a, b)))
    assert (high - low) * (one.highest - one.low) >= 0
    assert (one.number(0.0, centred=centred), one.number(1.0, centred=centred)) == (one.low, one.highest)


def test_thirteen_lights_have_a_middle_one() -> None:
    ring = display("cc 9 channel 1 from 1 to 13")
    assert [ring.number(place, centred=True) for place in (0.0, 0.5, 1.0)] == [1, 7, 13]
    assert [ring.number(place / 12) for place in range(13)] == list(range(1, 14))


@pytest.mark.parametrize(
    "words", ["", "program 5", "pressure", "cc 9 from", "cc 9 from 1", "cc 9 from a to b", "cc 9 from 0 to 128",
              "cc 9 from -1 to 5", "cc 9 from 1 to ²", "cc 200", "cc 9 from 999999999 to 1"],
)  # fmt: skip
def test_what_shows_nothing_is_refused(words: str) -> None:
    with pytest.raises(ControlError, match="'"):
        display(words)
