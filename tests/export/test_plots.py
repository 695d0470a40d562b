"""Pictures of a bank: what is drawn is what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rnnae_export.judge import Judge
from rnnae_export.mixing import Trial, measure
from rnnae_export.plots import confusion, draw_losses, draw_morphs, draw_recall, draw_states, project, write_plots

from rnnae_live.melody import Melody
from rnnae_live.phrase import Note
from rnnae_live.pianoroll import ANSWER, FIRST, SECOND, Colour
from rnnae_live.presets import Bank
from rnnae_live.state import State
from tests.export.test_pairs import tunes


def spots(image: Image.Image, colour: Colour) -> np.ndarray:
    """Rows and columns of the pixels of about ``colour``."""
    return np.argwhere((np.abs(np.asarray(image, np.int16) - np.array(colour)) < 12).all(axis=2))


@pytest.mark.unit
def test_parents_stand_at_both_ends_of_a_morph() -> None:
    low = Melody((Note(0, 96, 60),), 192)
    high = Melody((Note(96, 96, 72),), 192)
    image = draw_morphs([[low, low, high]])
    first, second = spots(image, FIRST), spots(image, SECOND)
    assert first[:, 1].max() < image.width / 3
    assert second[:, 1].min() > image.width / 2
    assert first[:, 0].mean() > second[:, 0].mean()  # the lower note is drawn lower
    assert np.ptp(first[:, 1]) == pytest.approx(np.ptp(second[:, 1]), abs=3)  # both sound for a bar


@pytest.mark.unit
def test_components_find_the_line_on_which_points_lie() -> None:
    rng = np.random.default_rng(0)
    along, noise = rng.normal(size=200), rng.normal(size=(200, 5)) * 0.01
    places, (first, second) = project(along[:, None] * np.array([1.0, -2.0, 3.0, 0.5, 1.0]) + noise)
    assert abs(np.corrcoef(places[:, 0], along)[0, 1]) > 0.999
    assert first > 0.99
    assert second < 0.01
    assert project(np.ones((1, 3)))[0].tolist() == [[0, 0]]


@pytest.mark.unit
def test_the_map_shows_every_preset_in_its_colour() -> None:
    rng = np.random.default_rng(0)

    def states(count: int) -> list[State]:
        return [State(*(rng.normal(size=(1, 8)).astype(np.float32) for _ in range(2))) for _ in range(count)]

    image = draw_states({"red": states(2), "cyan": states(1)}, states(30))
    assert len(spots(image, (255, 115, 115)))
    assert len(spots(image, (115, 255, 255)))


@pytest.mark.unit
def test_only_an_exact_song_is_bright() -> None:
    apart = np.array([[0.0, 0.7], [0.8, 0.4]])
    marked = spots(draw_recall(apart, ["first", "second"]), ANSWER)
    assert len(marked)
    assert np.ptp(marked[:, 0]) < 26  # one square of two on the diagonal


@pytest.mark.model
def test_recalled_songs_are_their_own_and_no_other(bank: Bank) -> None:
    apart, names = confusion(bank.model, bank.presets[:5])
    assert names == [preset.name for preset in bank.presets[:5]]
    assert (np.diag(apart) == 0).all()
    assert (apart[~np.eye(5, dtype=bool)] > 0.3).all()


@pytest.mark.model
def test_what_can_be_drawn_is_written(bank: Bank, tmp_path: Path) -> None:
    songs = tunes(6)
    mixing = measure(bank.model, Judge().learn(songs.values()), songs, Trial(steered=0, pairs=3, steps=3, random=0))
    assert {file.name for file in write_plots(tmp_path, bank.model, songs, bank.presets[:3], mixing)} == {
        "morphs.png",
        "similarity.png",
        "states.png",
        "recall.png",
    }
    for file in tmp_path.iterdir():
        with Image.open(file) as image:
            assert len(np.unique(np.asarray(image))) > 10
    assert write_plots(tmp_path / "none", bank.model, songs, (), None) == []
    assert not (tmp_path / "none").exists()


@dataclass(frozen=True)
class Line:
    """A line of a log."""

    notes: int
    loss: float
    mixed: float
    valid: float = 0.0
    valid_mixed: float = 0.0


@pytest.mark.unit
def test_losses_fall_from_left_to_right_and_what_was_not_measured_is_not_drawn() -> None:
    image = draw_losses([Line(n * 1_000_000, 4.0 / n, 5.0 / n, valid=8.0 / n) for n in range(1, 9)])
    unseen = spots(image, FIRST)
    curve = unseen[(unseen[:, 1] > 160) & (unseen[:, 1] < 770)]
    left, right = curve[curve[:, 1] < 300], curve[curve[:, 1] > 600]
    assert left[:, 0].mean() < right[:, 0].mean()  # rows count downwards
    assert not len(spots(image, SECOND))
