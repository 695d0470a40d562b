"""Piano rolls: what is drawn is where the melody is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rnnae_live.melody import Melody
from rnnae_live.phrase import Metre, Note
from rnnae_live.pianoroll import (
    ANSWER,
    FIRST,
    GAP,
    HEIGHT,
    INPUT,
    LEAST_PITCHES,
    LEFT,
    RIGHT,
    SECOND,
    TOP,
    Colour,
    Panel,
    as_text,
    blend,
    draw,
    pitch_range,
    write,
)

pytestmark = pytest.mark.unit

WIDTH = 1480
MELODY = Melody((Note(0, 48, 60, 100), Note(96, 48, 67, 100)), 192)


def near(image: Image.Image, colour: Colour, box: tuple[int, int, int, int] | None = None) -> tuple[int, ...]:
    """Left, top, right, bottom of the pixels of about ``colour`` in ``box``; empty if there are none."""
    pixels = np.asarray(image.crop(box) if box else image, np.int16)
    rows, columns = np.nonzero((np.abs(pixels - np.array(colour)) < 12).all(axis=2))
    if not len(rows):
        return ()
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def inside(panel: int) -> tuple[int, int, int, int]:
    """The part of the picture where the notes of a panel are."""
    top = TOP + panel * (HEIGHT + GAP)
    return LEFT, top, WIDTH - RIGHT, top + HEIGHT


def test_a_note_is_drawn_at_its_time_and_pitch() -> None:
    low = Melody(MELODY.notes[:1], 192)
    high = Melody(MELODY.notes[1:], 192)
    image = draw([Panel("low", low, INPUT), Panel("high", high, ANSWER)], width=WIDTH)
    tick = (WIDTH - LEFT - RIGHT) / 192
    left, low_y, right, _ = near(image, INPUT, inside(0))
    assert left == pytest.approx(0, abs=5)
    assert right == pytest.approx(48 * tick, abs=5)
    left, high_y, right, _ = near(image, ANSWER, inside(1))
    assert left == pytest.approx(96 * tick, abs=5)
    assert right == pytest.approx(144 * tick, abs=5)
    lowest, highest = pitch_range([low, high])
    assert low_y - high_y == pytest.approx(7 * HEIGHT / (highest - lowest + 1), abs=2)


def test_a_soft_note_is_darker() -> None:
    soft = Melody((Note(0, 192, 60, 20),), 192)
    loud = Melody((Note(0, 192, 60, 120),), 192)
    image = draw([Panel("soft", soft, ANSWER), Panel("loud", loud, ANSWER)])
    assert not near(image, ANSWER, inside(0))
    assert near(image, ANSWER, inside(1))


def test_every_panel_has_its_colour_and_its_stroke() -> None:
    colours = [blend(FIRST, SECOND, i / 4) for i in range(5)]
    image = draw([Panel(f"step {i}", MELODY, colour) for i, colour in enumerate(colours)])
    assert image.size == (WIDTH, TOP + 5 * (HEIGHT + GAP) + 30)
    for i, colour in enumerate(colours):
        assert near(image, colour, inside(i))
        left, top, right, bottom = inside(i)
        assert near(image, colour, (0, top, LEFT, bottom))
        assert not near(image, colours[i - 1], (left, top, right, bottom))


def test_bar_lines_stand_where_the_metre_says() -> None:
    waltz = Melody((), 24 + 3 * 72, (Metre(0, 3, 4),), pickup=24)
    image = draw([Panel("waltz", waltz)])
    row = np.asarray(image.convert("L"), np.int16)[TOP + HEIGHT // 2, LEFT : WIDTH - RIGHT - 3]
    tick = (WIDTH - LEFT - RIGHT) / waltz.length
    bright = {round(float(x) / tick / 24) for x in np.nonzero(row > 55)[0]}
    assert bright == {0, 1, 4, 7}


def test_titles_are_written_and_long_ones_stay_out_of_the_notes() -> None:
    blank = np.asarray(draw([Panel("", MELODY)]))
    titled = np.asarray(draw([Panel("A title that is much longer than the room for it", MELODY)], "Title", "More"))
    differs = np.nonzero((blank != titled).any(axis=2))
    assert differs[0].min() < TOP
    assert differs[1].min() > 20
    below = differs[1][differs[0] >= TOP]
    assert 0 < below.max() < LEFT


@pytest.mark.parametrize(
    "melody",
    [
        Melody((), 1),
        Melody((Note(0, 1, 0, 1), Note(1, 1, 127, 127)), 2),
        Melody(tuple(Note(i, 1, 60 + i % 3) for i in range(3000)), 3000),
    ],
)
def test_odd_melodies_are_drawn(melody: Melody) -> None:
    assert draw([Panel("odd", melody)]).size[0] == WIDTH


def test_no_panel_is_refused() -> None:
    with pytest.raises(ValueError, match="no panels"):
        draw([])


def test_the_range_has_air_and_is_never_tiny() -> None:
    assert pitch_range([Melody((Note(0, 1, 60), Note(1, 1, 90)), 2)]) == (59, 91)
    lowest, highest = pitch_range([Melody((Note(0, 1, 60),), 1)])
    assert highest - lowest + 1 >= LEAST_PITCHES
    assert pitch_range([Melody((Note(0, 1, 0), Note(1, 1, 127)), 2)]) == (0, 127)


def test_blend_goes_from_one_to_the_other_and_not_beyond() -> None:
    assert blend((0, 0, 0), (10, 20, 30), 0.5) == (5, 10, 15)
    assert blend(FIRST, SECOND, -1) == FIRST
    assert blend(FIRST, SECOND, 2) == SECOND


def test_text_shows_pitch_from_top_to_bottom_and_time_from_left_to_right() -> None:
    melody = Melody((Note(0, 48, 63), Note(96, 96, 60)), 192)
    assert as_text(melody, 4, 60, 63, 192) == ["⠁⠀⣀⡀"]
    assert as_text(Melody((), 192), 3, 60, 66, 192) == ["⠀⠀⠀", "⠀⠀⠀"]


def test_the_file_is_the_picture(tmp_path: Path) -> None:
    write(tmp_path / "a.png", [Panel("one", MELODY)], "title")
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), np.asarray(draw([Panel("one", MELODY)], "title")))
