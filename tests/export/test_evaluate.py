"""The report: all sections on the shipped model, goals judged, small corpora explained, files written."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from rnnae_export.cli import evaluate as command
from rnnae_export.directions import Knob
from rnnae_export.evaluate import Report, evaluate, halve, recall_presets
from rnnae_export.mixing import Trial
from rnnae_export.report import ALL, Goal, meaning, text, with_definitions

from rnnae_live import midifile
from rnnae_live.errors import RnnaeError
from rnnae_live.presets import Bank, factory
from tests.export.test_pairs import tune, tunes

pytestmark = pytest.mark.model

TRIAL = Trial(steered=0, pairs=8, steps=3, random=4)


@pytest.fixture(scope="module")
def report(bank: Bank) -> Report:
    judge = {str(seed): tune(seed) for seed in range(100, 104)}
    return evaluate(bank.model, tunes(10), presets=bank.presets, trial=TRIAL, judge_songs=judge, judge_source="ABC")


def test_the_report_has_all_sections(report: Report, bank: Bank) -> None:
    assert report.recall.songs == 10
    assert report.stored is not None
    assert report.stored.songs == len(bank.presets)
    assert report.judge is not None
    assert (report.judge.source, report.judge.songs, report.judge.heard) == ("ABC", 4, 0)
    words = text(report, "Mine")
    for part in (
        "# Mine",
        "## 1.",
        "## 2.",
        "## 3.",
        "learned from ABC: 4 songs",
        "coin flip",
        "Mean of 8",
        "In words",
    ):
        assert part in words
    assert max(len(line) for line in words.splitlines()) <= 140
    assert "Rank" in with_definitions(report)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_a_goal_is_met_or_not() -> None:
    assert [Goal(most=3.4).verdict(value) for value in (3.4, 3.41)] == ["met", "not met"]
    assert [Goal(0.5, 0.85).verdict(value) for value in (0.49, 0.5, 0.85, 0.86)] == ["not met", "met", "met", "not met"]
    assert (ALL.verdict(1.0), ALL.verdict(0.999)) == ("met", "not met")
    assert [str(goal) for goal in (Goal(0.95), Goal(most=3.4), Goal(0.5, 0.85), ALL)] == [
        ">= 0.95",
        "<= 3.4",
        "0.5 to 0.85",
        "all",
    ]


def test_a_verdict_stands_beside_its_figure(report: Report) -> None:
    assert report.mixing is not None
    mix = report.mixing.pairs.mix
    row = next(row for row in text(report).splitlines() if row.startswith("| rank of all parents"))
    assert f"{mix.rank.value:.3f} [" in row
    assert row.rstrip(" |").endswith("not met") == (mix.rank.value < 0.95)


def test_words_follow_the_figures(report: Report) -> None:
    assert report.mixing is not None
    replace = msgspec.structs.replace

    def said(nll: float) -> str:
        mixing = report.mixing
        assert mixing is not None
        figure = replace(mixing.pairs.mix.nll, value=nll, low=nll - 0.1, high=nll + 0.1)
        pairs = replace(mixing.pairs, mix=replace(mixing.pairs.mix, nll=figure))
        return " ".join(meaning(replace(report, mixing=replace(mixing, pairs=pairs))))

    sanity, splice = report.mixing.sanity, report.mixing.pairs.splice
    assert "stranger than a melody whose notes were shuffled" in said(sanity.shuffled.nll.value + 1)
    assert "nearer to written music than" in said(sanity.real.nll.value)
    assert "less like music than playing half" in said(splice.nll.value + 1)
    assert "at least as much like music as playing half" in said(splice.nll.value)
    assert 2 <= len(meaning(report)) <= 4


def test_knobs_join_the_table(report: Report) -> None:
    figures = {name: 0.2 for name in Knob.__struct_fields__ if name not in ("name", "phrases", "spearman")}
    joined = msgspec.structs.replace(report, knobs=[Knob(name="density", phrases=9, spearman=0.95, **figures)])
    row = next(row for row in text(joined).splitlines() if row.startswith("| density"))
    assert row.count("met") == 2
    assert row.count("not met") == 1


def test_without_a_judge_half_of_the_corpus_teaches_one(bank: Bank) -> None:
    first, second = halve(tunes(9))
    assert (len(first), len(second)) == (5, 4)
    assert first | second == tunes(9)
    report = evaluate(bank.model, tunes(9), trial=TRIAL)
    assert report.judge is not None
    assert (report.judge.songs, report.judge.heard) == (4, 0)
    assert "half of the corpus" in text(report)
    assert any("means of 4" in notice for notice in report.notices)


def test_a_corpus_that_is_too_small_is_explained(bank: Bank) -> None:
    report = evaluate(bank.model, tunes(4), trial=TRIAL)
    assert report.mixing is None
    assert "Mixing was not measured" in text(report)
    assert len(meaning(report)) == 1
    assert evaluate(bank.model, tunes(1)).notices == []


def test_a_judge_that_knows_the_songs_is_told_of(bank: Bank) -> None:
    report = evaluate(bank.model, tunes(4), trial=TRIAL, judge_songs=tunes(3))
    assert report.notices[0].startswith("The judge has heard 3 of the 4 songs")


def test_a_damaged_preset_is_named(bank: Bank) -> None:
    good, other = bank.presets[:2]
    swapped = good.changed(links=other.links)
    stored = recall_presets(bank.model, [good, swapped])
    assert (stored.songs, stored.exact, stored.inexact) == (2, 1, [good.name])
    assert stored.notes_right < stored.notes == 2 * len(good.notes)


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    for name, melody in tunes(8).items():
        midifile.write(folder / f"{name}.mid", melody)
    words = [
        str(factory()),
        "--corpus",
        str(folder),
        "--pairs",
        "4",
        "--random",
        "3",
        "--steered",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    printed = CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False)
    figures = json.loads(printed.output)
    assert figures["two_bars"]["phrases"] == 32
    assert figures["mixing"]["pairs"]["groups"] == 4
    assert figures == json.loads((tmp_path / "out" / "report.json").read_text())
    names = {"report.json", "report.md", "morphs.png", "similarity.png", "states.png", "recall.png"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == names

    (tmp_path / "file").write_text("")
    words[-1] = str(tmp_path / "file" / "out")
    with pytest.raises(RnnaeError, match="another folder with --out"):
        CliRunner().invoke(command, words, catch_exceptions=False)
