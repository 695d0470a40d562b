"""Pictures of a bank: ten morphs, likeness to the parents, the map of its states, the confusion of recall, the losses.

mixing, rnnae_live.presets -> [plots] -> morphs.png, similarity.png, states.png, recall.png; losses.png of a run

*Units*: pixels of the finished picture; colours are (red, green, blue), 0-255.
*Errors*: ``OSError`` where a file cannot be written.
"""

from __future__ import annotations

import colorsys
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rnnae_export.corpus import windows
from rnnae_export.distance import distances
from rnnae_export.mixing import Figures, Mixing, morph, morph_ways, store
from rnnae_export.pairs import pick_groups
from rnnae_live.files import write_whole
from rnnae_live.melody import BARS_PER_PIECE, Melody
from rnnae_live.mixer import links, play
from rnnae_live.model import Model
from rnnae_live.pianoroll import (
    ANSWER,
    BACKGROUND,
    BAR,
    BEAT,
    FAINT,
    FIRST,
    INK,
    INPUT,
    SECOND,
    STAGE,
    Colour,
    blend,
    pitch_range,
)
from rnnae_live.presets import Preset
from rnnae_live.state import State

MORPHS = 10
COLUMNS = 7
"""Steps of a morph that are drawn, both parents included."""
MOST_PHRASES = 1500
MOST_SONGS = 48
SCALE = 2
"""Pictures are drawn this many times larger and shrunk, which smooths the edges."""

Box = tuple[float, float, float, float]


class Progress(Protocol):
    """What is drawn of a line of a run's log."""

    @property
    def notes(self) -> int:
        """Tokens seen."""

    @property
    def loss(self) -> float:
        """Nats a token of phrases."""

    @property
    def mixed(self) -> float:
        """Nats a token of hybrids."""

    @property
    def valid(self) -> float:
        """Nats a token of unseen phrases, 0 where there are none."""

    @property
    def valid_mixed(self) -> float:
        """Nats a token of unseen hybrids, 0 where there are none."""


def write_plots(
    folder: Path, model: Model, songs: Mapping[str, Melody], presets: Sequence[Preset], mixing: Mixing | None
) -> list[Path]:
    """Write the pictures that there is something for, and return their files.

    Raises:
        OSError: the folder cannot be written.
    """
    pictures: dict[str, Image.Image] = {}
    groups = pick_groups(songs, MORPHS, 2, mixing.trial.seed) if mixing else []
    if mixing and groups:
        stored = store(model, [parent for group in groups for parent in group.parents])
        paths = morph(model, list(zip(stored[::2], stored[1::2], strict=True)), morph_ways(COLUMNS))
        pictures["morphs.png"] = draw_morphs(paths)
        pictures["similarity.png"] = draw_similarity(mixing)
    if presets:
        phrases = [phrase for melody in songs.values() for phrase in windows(melody, BARS_PER_PIECE, BARS_PER_PIECE)]
        some = phrases[:: max(1, len(phrases) // MOST_PHRASES)]
        around = [links(model, [phrase])[0].state for phrase in some]
        chains = {preset.name: [link.state for link in preset.chain] for preset in presets[:MOST_SONGS]}
        pictures["states.png"] = draw_states(chains, around)
        pictures["recall.png"] = draw_recall(*confusion(model, presets[:MOST_SONGS]))
    for name, picture in pictures.items():
        write_picture(folder / name, picture)
    return [folder / name for name in pictures]


def write_picture(file: Path, picture: Image.Image) -> None:
    """Write a picture as PNG.

    Raises:
        OSError: the file cannot be written.
    """
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    write_whole(file, data.getvalue())


def draw_losses(lines: Sequence[Progress]) -> Image.Image:
    """Return the losses of a run against the notes that it has seen, of phrases and of mixtures."""
    sheet = _Sheet(1060, 560, "How it learned", "nats a note, logarithmic, against millions of notes seen")
    left, top, width, height = 70, 90, 700, 410
    curves: tuple[tuple[str, list[float], Colour], ...] = (
        ("phrases, learned", [line.loss for line in lines], blend(BACKGROUND, FIRST, 0.5)),
        ("phrases, unseen", [line.valid for line in lines], FIRST),
        ("mixtures, learned", [line.mixed for line in lines], blend(BACKGROUND, SECOND, 0.5)),
        ("mixtures, unseen", [line.valid_mixed for line in lines], SECOND),
    )
    most = max((line.notes for line in lines), default=1)
    tops = [max(value, 1e-3) for _, values, _ in curves for value in values if value > 0] or [1.0]
    low, high = np.log10(min(tops)), np.log10(max(*tops, min(tops) * 1.01))
    for tenth in range(0, 11, 2):
        x, y = left + width * tenth / 10, top + height * (1 - tenth / 10)
        sheet.line([(left, y), (left + width, y)], BEAT)
        sheet.text((left - 10, y), f"{10 ** (low + (high - low) * tenth / 10):.2g}", 13, FAINT, "rm")
        sheet.text((x, top + height + 14), f"{most * tenth / 1e7:.3g}", 13, FAINT, "mm")
    for row, (label, values, colour) in enumerate(curves):
        points = [(left + width * line.notes / most, top + height * (high - np.log10(max(value, 1e-3))) / (high - low))
                  for line, value in zip(lines, values, strict=True) if value > 0]  # fmt: skip
        if len(points) > 1:
            sheet.line(points, colour, 2)
        if points:
            sheet.line([(left + width + 30, top + 20 + row * 24), (left + width + 60, top + 20 + row * 24)], colour, 2)
            sheet.text((left + width + 70, top + 20 + row * 24), label, 14, INK, "lm")
    return sheet.finished()


def draw_morphs(paths: Sequence[Sequence[Melody]]) -> Image.Image:
    """Return one row a morph, one cell a step, the parents at both ends; a row shares its pitches."""
    left, top, width, height, gap = 60, 84, 210, 84, 8
    count = len(paths[0])
    sheet = _Sheet(left + count * (width + gap) + 20, top + len(paths) * (height + gap) + 20, "Morphs",
                   "rows: pairs of phrases of the corpus; columns: weight of the second phrase")  # fmt: skip
    for at in range(count):
        sheet.text((left + at * (width + gap) + width / 2, top - 12), f"{at / (count - 1):.2f}", 13, FAINT, "mm")
    for row, path in enumerate(paths):
        lowest, highest = pitch_range(path)
        y = top + row * (height + gap)
        sheet.text((left - 16, y + height / 2), str(row + 1), 15, FAINT, "rm")
        for at, melody in enumerate(path):
            x = left + at * (width + gap)
            tick, semitone = width / max(1, melody.length), height / (highest - lowest + 1)
            sheet.box((x, y, x + width, y + height), STAGE)
            for line in melody.bars():
                sheet.line([(x + line * tick, y), (x + line * tick, y + height)], BAR)
            colour = blend(FIRST, SECOND, at / (count - 1))
            for note in melody.notes:
                above = y + (highest - note.pitch) * semitone
                right = max(note.onset * tick + 2, note.end * tick - 1)
                sheet.box((x + note.onset * tick, above, x + right, above + max(3.0, semitone)), colour)
    return sheet.finished()


def draw_similarity(mixing: Mixing) -> Image.Image:
    """Return the mean likeness to the first and to the second parent against the weight, of mix and baselines."""
    sheet = _Sheet(1060, 560, "Likeness to the parents along the morph",
                   f"1 - edit distance / length, mean of {mixing.pairs.groups:,} pairs")  # fmt: skip
    left, top, width, height = 70, 90, 660, 410
    for tenth in range(0, 11, 2):
        x, y = left + width * tenth / 10, top + height * (1 - tenth / 10)
        sheet.line([(left, y), (left + width, y)], BEAT)
        sheet.text((left - 10, y), f"{tenth / 10:.1f}", 13, FAINT, "rm")
        sheet.text((x, top + height + 14), f"{tenth / 10:.1f}", 13, FAINT, "mm")
    sheet.text((left + width / 2, top + height + 36), "weight of the second phrase", 13, FAINT, "mm")
    pairs = mixing.pairs
    drawn: tuple[tuple[str, Figures, float, int], ...] = (
        ("coin flip", pairs.coin, 0.4, 1),
        ("splice", pairs.splice, 0.65, 2),
        ("mix of states", pairs.mix, 1.0, 3),
    )
    for row, (label, figures, strength, thick) in enumerate(drawn):
        for which, colour in enumerate((FIRST, SECOND)):
            shade = blend(BACKGROUND, colour, strength)
            count = len(figures.similarity) - 1
            points = [(left + width * at / count, top + height * (1 - both[which]))
                      for at, both in enumerate(figures.similarity)]  # fmt: skip
            sheet.line(points, shade, thick)
            y = top + 20 + (len(drawn) - 1 - row) * 60 + which * 24
            sheet.line([(left + width + 30, y), (left + width + 60, y)], shade, thick)
            sheet.text((left + width + 70, y), f"{label}, to the {('first', 'second')[which]}", 14, INK, "lm")
    return sheet.finished()


def draw_states(chains: Mapping[str, Sequence[State]], around: Sequence[State]) -> Image.Image:
    """Return the map: the first two principal components of all states, presets as numbered lines of dots.

    Every number of a state counts by its spread; what lies outside the middle 96 % of either axis is drawn at the rim.
    """
    rows = [_numbers(state) for chain in chains.values() for state in chain]
    places, shares = project(np.array([*rows, *(_numbers(state) for state in around)]))
    words = f"principal components, {shares[0]:.0%} across and {shares[1]:.0%} upwards of the variance; "
    words += f"a dot is two bars; grey: {len(around):,} phrases of the corpus as the encoder has them"
    sheet = _Sheet(1280, max(900, 110 + 19 * len(chains)), "The bank's states", words)
    low, high = np.quantile(places, (0.02, 0.98), axis=0)
    size = np.array((900.0, sheet.height - 140.0))
    shown = np.clip((places - low) / np.maximum(1e-9, high - low), -0.02, 1.02)
    spots = [(40 + x * size[0], sheet.height - 40 - y * size[1]) for x, y in shown.tolist()]
    for spot in spots[len(rows) :]:
        sheet.dot(spot, 2, BAR)
    at = 0
    for number, (name, chain) in enumerate(chains.items()):
        colour = _hue(number / len(chains))
        line = spots[at : at + len(chain)]
        at += len(chain)
        if len(line) > 1:
            sheet.line(line, blend(BACKGROUND, colour, 0.25))
        for spot in line:
            sheet.dot(spot, 8, colour)
            sheet.text(spot, str(number + 1), 10, BACKGROUND, "mm")
        sheet.text((985, 90 + 19 * number), f"{number + 1}", 13, colour, "ra")
        sheet.text((1000, 90 + 19 * number), name[:38], 13, colour)
    return sheet.finished()


def project(rows: NDArray[np.floating]) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Return the first two principal components of rows (n, d) as (n, 2), and their shares of the variance.

    Columns are scaled to the same spread first.
    """
    centred = np.asarray(rows, float) - rows.mean(axis=0)
    centred /= np.maximum(1e-9, centred.std(axis=0))
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(rows), 2))
    kept = min(2, len(sizes))
    places[:, :kept] = left[:, :kept] * sizes[:kept]
    shares = np.append(sizes**2, (0.0, 0.0)) / max(1e-12, float((sizes**2).sum()))
    return places, (float(shares[0]), float(shares[1]))


def confusion(model: Model, presets: Sequence[Preset]) -> tuple[NDArray[np.float64], list[str]]:
    """Return the distance of each recalled song (row) to each stored one (column), and the names.

    Raises:
        ModelError: a state is damaged.
    """
    recalled = [play(model, preset.chain) for preset in presets]
    stored = [preset.melody for preset in presets]
    count = len(presets)
    flat = distances([song for song in recalled for _ in range(count)], stored * count)
    return flat.reshape(count, count), [preset.name for preset in presets]


def draw_recall(apart: NDArray[np.float64], names: Sequence[str]) -> Image.Image:
    """Return the confusion as a table of squares, bright where the recalled song is near the stored one."""
    count, cell, left, top = len(names), 26, 250, 230
    own = int((np.diag(apart) == 0).sum())
    nearest = apart + 2 * np.eye(count)
    row, column = divmod(int(nearest.argmin()), count)
    words = f"edit distance / length: bright 0, dark 1; {own} of {count} are themselves note for note"
    if count > 1:
        words += f"; the closest two songs: {names[row]}, {names[column]} ({apart[row, column]:.2f})"
    sheet = _Sheet(max(900, left + count * cell + 60), top + count * cell + 40, "Recalled against stored songs", words)
    for at, name in enumerate(names):
        y = top + at * cell + cell / 2
        sheet.text((left - 10, y), name[:32], 13, INK, "rm")
        sheet.upright((left + at * cell + cell / 2, top - 8), name[:20], 13, FAINT)
        for other in range(count):
            x, far = left + other * cell, float(apart[at, other])
            colour = ANSWER if far == 0 else blend(INPUT, STAGE, far)
            sheet.box((x + 1, y - cell / 2 + 1, x + cell - 1, y + cell / 2 - 1), colour)
    return sheet.finished()


def _numbers(state: State) -> NDArray[np.float32]:
    return np.concatenate([state.h.ravel(), state.c.ravel()])


def _hue(share: float) -> Colour:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(share, 0.55, 1.0))
    return red, green, blue


@dataclass(slots=True)
class _Sheet:
    """A picture with a title, drawn enlarged; all positions are pixels of the finished picture."""

    width: int
    height: int
    title: str
    subtitle: str
    image: Image.Image
    pen: ImageDraw.ImageDraw

    def __init__(self, width: int, height: int, title: str, subtitle: str) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), BACKGROUND)
        self.pen = ImageDraw.Draw(self.image)
        self.text((28, 16), title, 24, INK)
        self.text((28, 48), subtitle, 13, FAINT)

    def finished(self) -> Image.Image:
        return self.image.resize((self.width, self.height), Image.Resampling.LANCZOS)

    def text(self, at: tuple[float, float], words: str, size: int, colour: Colour, anchor: str = "la") -> None:
        spot = (at[0] * SCALE, at[1] * SCALE)
        self.pen.text(spot, words, fill=colour, font=ImageFont.load_default(size * SCALE), anchor=anchor)

    def upright(self, foot: tuple[float, float], words: str, size: int, colour: Colour) -> None:
        """Write upwards from ``foot``."""
        font = ImageFont.load_default(size * SCALE)
        room = int(font.getlength(words)) + 1, 2 * size * SCALE
        strip = Image.new("L", room, 0)
        ImageDraw.Draw(strip).text((0, size * SCALE), words, fill=255, font=font, anchor="lm")
        turned = strip.rotate(90, expand=True)
        place = round(foot[0] * SCALE - turned.width / 2), round(foot[1] * SCALE - turned.height)
        self.image.paste(Image.new("RGB", turned.size, colour), place, turned)

    def box(self, box: Box, colour: Colour) -> None:
        left, top, right, bottom = (edge * SCALE for edge in box)
        self.pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, thick: int = 1) -> None:
        self.pen.line([(x * SCALE, y * SCALE) for x, y in points], fill=colour, width=thick * SCALE, joint="curve")

    def dot(self, at: tuple[float, float], radius: float, colour: Colour) -> None:
        (x, y), r = at, radius * SCALE
        x, y = x * SCALE, y * SCALE
        self.pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
