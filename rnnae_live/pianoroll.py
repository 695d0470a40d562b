"""Piano rolls: melodies as a picture, several panels under each other on one time axis, or as a few lines of text.

melody -> [pianoroll] -> .png, terminal

All panels share pitch and time scale, so that a morph can be seen to move from one parent to the other.
The brightness of a note is its velocity; its colour is the panel's, and ``blend`` gives the colours between
two parents.

*Units*: pixels; colours are (red, green, blue), 0-255.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from rnnae_live.files import write_whole
from rnnae_live.melody import PPQ, Melody

Colour = tuple[int, int, int]

BACKGROUND: Colour = (16, 18, 24)
STAGE: Colour = (25, 28, 37)
BLACK_KEYS: Colour = (21, 24, 31)
BEAT: Colour = (36, 40, 52)
BAR: Colour = (66, 72, 90)
INK: Colour = (228, 231, 240)
FAINT: Colour = (134, 141, 160)

INPUT: Colour = (96, 198, 255)
ANSWER: Colour = (255, 184, 92)
FIRST: Colour = (72, 210, 160)
SECOND: Colour = (186, 122, 255)
"""Colours by role: what was played, what came back, and the two parents of a morph."""

SCALE = 2
"""The picture is drawn this many times larger and shrunk, which smooths the edges."""

LEFT, RIGHT, TOP, GAP, HEIGHT = 268, 28, 86, 14, 124
"""Margins, the space between panels and the height of a panel, in pixels of the finished picture."""

LEAST_PITCHES = 18
"""Semitones that are shown at least, so that a small melody does not look like a large one."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One melody with its ``title``, the ``colour`` of its notes, and a ``caption`` under the title."""

    title: str
    melody: Melody
    colour: Colour = ANSWER
    caption: str = ""


def blend(first: Colour, second: Colour, weight: float) -> Colour:
    """Return the colour between two, ``first`` at weight 0 and ``second`` at 1; outside, the nearer end."""
    w = min(1.0, max(0.0, weight))
    red, green, blue = (round(a + (b - a) * w) for a, b in zip(first, second, strict=True))
    return red, green, blue


def draw(panels: Sequence[Panel], title: str = "", subtitle: str = "", width: int = 1480) -> Image.Image:
    """Return the panels under each other as an RGB picture ``width`` pixels wide.

    Raises:
        ValueError: there are no panels.
    """
    if not panels:
        raise ValueError("There are no panels to draw.")
    size = (width, TOP + len(panels) * (HEIGHT + GAP) + 30)
    image = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), BACKGROUND)
    pen = ImageDraw.Draw(image)
    _text(pen, (28, 20), title, 26, INK)
    _text(pen, (28, 54), subtitle, 14, FAINT)
    lowest, highest = pitch_range([panel.melody for panel in panels])
    ticks = max(PPQ, *(panel.melody.length for panel in panels), 0)
    for i, panel in enumerate(panels):
        box = _Box(LEFT, TOP + i * (HEIGHT + GAP), width - LEFT - RIGHT, HEIGHT, ticks, lowest, highest)
        _stage(pen, box, panel)
        _notes(pen, box, panel)
        _label(pen, box, panel)
    _bar_numbers(pen, box, max((panel.melody for panel in panels), key=lambda melody: melody.length))
    return image.resize(size, Image.Resampling.LANCZOS)


def write(path: Path, panels: Sequence[Panel], title: str = "", subtitle: str = "") -> None:
    """Write the picture as PNG, whole or not at all.

    Raises:
        ValueError: there are no panels.
        OSError: the file cannot be written.
    """
    data = io.BytesIO()
    draw(panels, title, subtitle).save(data, "PNG", optimize=True)
    write_whole(path, data.getvalue())


def pitch_range(melodies: Sequence[Melody]) -> tuple[int, int]:
    """Return the lowest and the highest pitch to show, both included, with a little air around the notes."""
    pitches = [note.pitch for melody in melodies for note in melody.notes] or [60]
    lowest, highest = min(pitches) - 1, max(pitches) + 1
    while highest - lowest + 1 < LEAST_PITCHES:
        lowest, highest = lowest - 1, highest + 1
    lowest = max(0, lowest)
    return lowest, min(127, highest)


def as_text(melody: Melody, columns: int, lowest: int, highest: int, ticks: int) -> list[str]:
    """Return ``melody`` as lines of braille dots, four pitches a line and two moments a column.

    ``ticks`` is what ``columns`` stand for, so that melodies of different lengths can be compared.
    """
    rows = -(-(highest - lowest + 1) // 4)
    cells = [[0] * columns for _ in range(rows)]
    for note in melody.notes:
        y = highest - min(highest, max(lowest, note.pitch))
        left = note.onset * columns * 2 // ticks
        # A dot less than the note is long, so that repeated notes stay apart.
        right = max(left + 1, note.end * columns * 2 // ticks - 1)
        for x in range(left, min(right, columns * 2)):
            cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    return ["".join(chr(0x2800 + cell) for cell in row) for row in cells]


_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell by row and column."""


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a panel lies in the picture, and the ticks and pitches that it shows."""

    left: int
    top: int
    width: int
    height: int
    ticks: int
    lowest: int
    highest: int

    def x(self, tick: float) -> float:
        """Pixel of a tick in the enlarged picture."""
        return (self.left + tick * self.width / self.ticks) * SCALE

    def y(self, pitch: float) -> float:
        """Pixel of the upper edge of a pitch in the enlarged picture."""
        return (self.top + (self.highest - pitch) * self.row) * SCALE

    @property
    def row(self) -> float:
        """Height of one semitone in pixels of the finished picture."""
        return self.height / (self.highest - self.lowest + 1)


def _stage(pen: ImageDraw.ImageDraw, box: _Box, panel: Panel) -> None:
    """Draw what lies behind the notes: keys, beats, bar lines, and where the melody ends."""
    top, bottom = box.y(box.highest), box.y(box.lowest - 1)
    right = box.x(panel.melody.length)
    pen.rectangle((box.x(0), top, right, bottom), fill=STAGE)
    for pitch in range(box.lowest, box.highest + 1):
        if pitch % 12 in (1, 3, 6, 8, 10):
            pen.rectangle((box.x(0), box.y(pitch), right, box.y(pitch - 1)), fill=BLACK_KEYS)
        if pitch % 12 == 0:
            y = box.y(pitch - 1)
            pen.line((box.x(0), y, right, y), fill=BEAT, width=SCALE)
            if box.row * 12 >= 24:
                _text(
                    pen,
                    (box.left - 8, box.top + (box.highest - pitch + 0.5) * box.row),
                    f"C{pitch // 12 - 1}",
                    11,
                    FAINT,
                    anchor="rm",
                )
    bars = panel.melody.bars()
    for tick in range(bars[1] % PPQ if len(bars) > 1 else 0, panel.melody.length, PPQ):
        _upright(pen, box.x(tick), top, bottom, BEAT)
    for tick in bars:
        _upright(pen, box.x(tick), top, bottom, BAR)


def _upright(pen: ImageDraw.ImageDraw, x: float, top: float, bottom: float, colour: Colour) -> None:
    """Draw an upright line on whole pixels of the finished picture, so that all of them are equally bright."""
    left = round(x / SCALE) * SCALE
    pen.rectangle((left, top, left + SCALE - 1, bottom), fill=colour)


def _notes(pen: ImageDraw.ImageDraw, box: _Box, panel: Panel) -> None:
    """Draw the notes: louder is brighter, with a lighter edge where they are struck."""
    # A thin row would make hairlines of the notes; they may lean into the rows beside them.
    extra = max(0.0, 6.5 - box.row) / 2 * SCALE
    for note in panel.melody.notes:
        colour = blend(STAGE, panel.colour, 0.42 + 0.58 * min(1.0, note.velocity / 100))
        left, top = box.x(note.onset), box.y(note.pitch) - extra
        right = max(left + 3 * SCALE, box.x(note.end) - 1.5 * SCALE)
        bottom = box.y(note.pitch - 1) + extra
        pen.rounded_rectangle((left, top, right, bottom), radius=min(2.5 * SCALE, (bottom - top) / 2), fill=colour)
        edge = min(right, left + 2.0 * SCALE)
        pen.rounded_rectangle((left, top, edge, bottom), radius=SCALE, fill=blend(colour, (255, 255, 255), 0.55))


def _label(pen: ImageDraw.ImageDraw, box: _Box, panel: Panel) -> None:
    """Write title and caption left of the panel, beside a stroke of its colour."""
    x, y = 28, box.top
    pen.rounded_rectangle(
        (x * SCALE, (y + 2) * SCALE, (x + 4) * SCALE, (y + box.height - 2) * SCALE), radius=2 * SCALE, fill=panel.colour
    )
    room = box.left - x - 44
    _text(pen, (x + 16, y + 12), _fit(panel.title, 17, room), 17, INK)
    for i, line in enumerate(panel.caption.split("\n") if panel.caption else []):
        _text(pen, (x + 16, y + 38 + i * 18), _fit(line, 12, room), 12, FAINT)


def _bar_numbers(pen: ImageDraw.ImageDraw, box: _Box, longest: Melody) -> None:
    """Write the numbers of the bars under the last panel; a pickup counts as bar 0."""
    first = 0 if longest.pickup else 1
    for number, tick in enumerate(longest.bars(), first):
        if tick < longest.length:
            _text(pen, (box.x(tick) / SCALE, box.top + box.height + 8), str(number), 11, FAINT)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * SCALE)


def _text(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, colour: Colour, anchor: str = "la"
) -> None:
    """Write one line, ``at`` in pixels of the finished picture."""
    pen.text((at[0] * SCALE, at[1] * SCALE), text, fill=colour, font=_font(size), anchor=anchor)


def _fit(text: str, size: int, room: float) -> str:
    """Return ``text``, shortened with an ellipsis where it is wider than ``room`` pixels."""
    font = _font(size)
    if font.getlength(text) <= room * SCALE:
        return text
    while text and font.getlength(text + "…") > room * SCALE:
        text = text[:-1]
    return text.rstrip() + "…"
