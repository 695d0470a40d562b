"""The report of a bank in words and tables: figures, goals beside them, met or not, and what they mean for a musician.

evaluate -> [report] -> terminal, report.md

The text is Markdown whose tables are aligned, so it reads as well in a terminal.

*Units*: shares 0-1 unless the row says so; brackets hold the 95 % interval.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rnnae_export import evaluate as definitions
from rnnae_export.evaluate import Report
from rnnae_export.mixing import Figure, Mixing, Mixture


@dataclass(frozen=True, slots=True)
class Goal:
    """The figures that are good enough: from ``least`` to ``most``."""

    least: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        """Return the goal as it stands in a table."""
        if self.least == 1.0:
            return "all"
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        return f"<= {self.most:g}" if self.least is None else f">= {self.least:g}"

    def verdict(self, value: float) -> str:
        """Return "met" or "not met"."""
        low = self.least is None or value >= self.least
        high = self.most is None or value <= self.most
        return "met" if low and high else "not met"


ALL = Goal(least=1.0)
NLL = Goal(most=3.4)
RANK = Goal(least=0.95)
NOVELTY = Goal(0.5, 0.85)
STEP = Goal(most=0.2)
JUMP = Goal(most=0.4)
SPEARMAN = Goal(least=0.9)
OFF_TARGET = Goal(most=0.15)
SECONDS = Goal(most=0.1)

Row = Sequence[str]


def text(report: Report, title: str = "The bank") -> str:
    """Return the whole report as Markdown, ``title`` as its heading."""
    parts = [f"# {title}", _recall(report), _reconstruction(report)]
    if report.mixing:
        parts.append(_mixing(report, report.mixing))
    if report.knobs:
        parts.append(_knobs(report))
    parts += [_wrapped(f"Note: {notice}") for notice in report.notices]
    return "\n\n".join([*parts, "## In words", _wrapped(" ".join(meaning(report)))]) + "\n"


def with_definitions(report: Report, title: str = "The bank") -> str:
    """Return the report with what every figure means, as it is written to a file."""
    return f"{text(report, title)}\n## What is measured\n\n{inspect.getdoc(definitions)}\n"


def meaning(report: Report) -> list[str]:
    """Return in two to four sentences what the figures mean for a musician."""
    kept = report.stored or report.recall
    said = []
    said.append(
        f"{kept.exact} of {kept.songs} stored songs come back note for note, and {report.two_bars.exact:.0%} of the "
        "corpus's phrases of two bars are read without a wrong note."
    )
    if report.mixing is None:
        return said
    mix, splice, sanity = report.mixing.pairs.mix, report.mixing.pairs.splice, report.mixing.sanity
    real, shuffled = sanity.real.nll.value, sanity.shuffled.nll.value
    way = (mix.nll.value - real) / max(1e-9, shuffled - real)
    if way > 1:
        sound = "sounds stranger than a melody whose notes were shuffled"
    elif way > 0.5:
        sound = "sounds nearer to shuffled notes than to written music"
    else:
        sound = "sounds nearer to written music than to shuffled notes"
    against = "less like music than" if mix.nll.low > splice.nll.value else "at least as much like music as"
    said.append(
        f"A melody half way between two songs {sound} ({mix.nll.value:.2f} nats a note; written {real:.2f}, shuffled "
        f"{shuffled:.2f}), and is {against} playing half of one and then half of the other ({splice.nll.value:.2f})."
    )
    said.append(
        f"A parent is nearer to it than another song is in {mix.rank.value:.0%} of comparisons (by chance 50%), and "
        f"{mix.novelty.value:.0%} of it differs from the nearer parent."
    )
    if mix.step and mix.jump:
        steps = report.mixing.trial.steps - 1
        said.append(
            f"Turning the knob from song to song in {steps} steps changes {mix.step.value:.0%} of the melody at a "
            f"step, and {mix.jump.value:.0%} at the largest."
        )
    return said


def _recall(report: Report) -> str:
    rows = []
    if stored := report.stored:
        share = stored.exact / max(1, stored.songs)
        rows.append(("songs of the bank, note for note", f"{stored.exact} of {stored.songs}", *_judged(ALL, share)))
        rows.append(("their notes", f"{stored.notes_right:,} of {stored.notes:,}",
                     *_judged(ALL, stored.notes_right / max(1, stored.notes))))  # fmt: skip
    recall = report.recall
    rows.append(("unseen songs stored as presets", f"{recall.exact} of {recall.songs}",
                 *_judged(ALL, recall.exact / max(1, recall.songs))))  # fmt: skip
    rows.append(("CPU seconds a song", f"{recall.cpu_seconds_a_song:.3f}",
                 *_judged(SECONDS, recall.cpu_seconds_a_song)))  # fmt: skip
    rows.append(("refinement steps a song", f"{recall.refine_steps_a_song:.1f}", "", ""))
    lost = [*(report.stored.inexact if report.stored else ()), *recall.inexact]
    table = _table(("recall", "seen", "goal", ""), rows)
    return "\n".join(["## 1. Recall", "", table, *(f"\nNot exact: {name}" for name in lost)])


def _reconstruction(report: Report) -> str:
    rows = []
    for label, row, goals in (
        ("2 bars, greedy", report.two_bars, {"exact": Goal(0.98), "sixteenths": Goal(0.995)}),
        ("2 bars, sampled at 1", report.two_bars_sampled, {"sixteenths": Goal(0.98)}),
        ("4 bars in one state", report.four_bars, {"notes": Goal(0.95)}),
        ("16 bars as a chain", report.chains_of_16_bars, {"sixteenths": Goal(0.99)}),
    ):
        wanted = ", ".join(f"{name} {goal}" for name, goal in goals.items())
        met = all(goal.verdict(getattr(row, name)) == "met" for name, goal in goals.items())
        figures = (f"{row.exact:.4f}", f"{row.notes:.4f}", f"{row.sixteenths:.4f}")
        rows.append((label, f"{row.phrases:,}", *figures, wanted, "met" if met else "not met"))
    head = ("encoder only", "phrases", "exact", "notes", "sixteenths", "goal", "")
    return "## 2. Reconstruction of phrases\n\n" + _table(head, rows)


def _mixing(report: Report, mixing: Mixing) -> str:
    judge = report.judge
    head = ("", "mix of states", "coin flip", "splice", "goal", "")
    pairs, incoming = mixing.pairs, mixing.incoming
    parts = ["## 3. Mixing"]
    if judge:
        parts.append(
            _wrapped(
                f"Judge: an n-gram over (interval, duration) of order {judge.order}, learned from {judge.source}: "
                f"{judge.songs:,} songs, {judge.notes:,} notes. NLL, rank and novelty are those of the child half way. "
                f"{pairs.groups:,} pairs of phrases of two bars, {mixing.trial.steps} steps from one to the other, "
                f"seed {mixing.trial.seed}."
            )
        )
    parts.append("### Two stored phrases\n\n" + _table(head, _mixture(pairs)))
    parts.append("### A phrase as the encoder hears it, with a stored one\n\n" + _table(head, _mixture(incoming)))
    parts += [
        f"### Mean of {mixture.voices} stored phrases, {mixture.groups:,} groups\n\n" + _table(head, _mixture(mixture))
        for mixture in mixing.several
    ]
    sanity = mixing.sanity
    rows = [
        (label, _figure(f.nll), _figure(f.rank), _figure(f.novelty))
        for label, f in (
            ("real: the first parent", sanity.real),
            ("its notes shuffled", sanity.shuffled),
            ("a third song", sanity.third),
            ("a random state", sanity.random),
        )
    ]
    parts.append("### Beside it, what is no mix\n\n" + _table(("", "NLL, nats a note", "rank", "novelty"), rows))
    counts = []
    for label, count in (("mixes", mixing.invalid_mixes), ("random states", mixing.invalid_random)):
        flaws = count.empty + count.wrong_length
        cells = (f"{count.outputs:,}", str(count.empty), str(count.wrong_length), "0", Goal(most=0).verdict(flaws))
        counts.append((label, *cells))
    parts.append(
        "### Invalid outputs\n\n" + _table(("", "decoded", "without a note", "wrong length", "goal", ""), counts)
    )
    return "\n\n".join(parts)


def _mixture(mixture: Mixture) -> list[Row]:
    mix, coin, splice = mixture.mix, mixture.coin, mixture.splice
    rows: list[Row] = []
    for label, name, goal in (
        ("NLL, nats a note", "nll", NLL),
        ("rank of all parents", "rank", RANK),
        ("rank of the weaker parent", "rank_weaker", None),
        ("novelty", "novelty", NOVELTY),
        ("ends exact", "ends", ALL),
        ("mean step", "step", STEP),
        ("largest jump", "jump", JUMP),
        ("notes", "notes", None),
    ):
        seen = getattr(mix, name)
        if seen is not None:
            cells = [_figure(getattr(figures, name)) for figures in (mix, coin, splice)]
            rows.append((label, *cells, *(_judged(goal, seen.value) if goal else ("", ""))))
    return rows


def _knobs(report: Report) -> str:
    rows = [
        (k.name, f"{k.spearman:.3f}", *_judged(SPEARMAN, k.spearman), f"{k.off_target:.1%}",
         *_judged(OFF_TARGET, k.off_target), f"{k.reach:.2f}", f"{k.kept:.0%}",
         f"{k.straight:.2f}, {k.straight_off_target:.0%}")
        for k in report.knobs
    ]  # fmt: skip
    head = ("knob", "Spearman", "goal", "", "off target", "goal", "", "reach of 2", "notes kept", "direction alone")
    return f"### Attribute knobs, {report.knobs[0].phrases} phrases\n\n" + _table(head, rows)


def _wrapped(words: str) -> str:
    return textwrap.fill(words, 120)


def _judged(goal: Goal, value: float) -> tuple[str, str]:
    return str(goal), goal.verdict(value)


def _figure(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _table(head: Row, rows: Sequence[Row]) -> str:
    """Return a Markdown table, all columns as wide as their longest cell, the first one flush left."""
    widths = [max(3, *(len(row[at]) for row in (head, *rows))) for at in range(len(head))]
    lines = [_line(head, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(row: Row, widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
