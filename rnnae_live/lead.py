"""Which part of a file is the melody, and which notes of a part with chords are.

phrase -> [lead] -> song

*The part*: not percussion; then the part that sounds most like a tune. One note at a time counts most, then the
register (a bass lies low, among voices the highest sings), a varied rhythm, steps rather than leaps, and notes that
move on rather than lie; the General MIDI program and the name of the track only tip the balance, because both are
often missing or wrong. Its place in the file says nothing.

*The voice in a part*: attacks closer than ``SPREAD_MS`` that overlap are one chord (a strum); a note that sounds into
the next by less than that, or by less than half of itself, is legato and no chord. Of a part that mostly sounds one
note at a time the highest of each chord is kept. A part of chords has a melody if enough notes move on their own
above the chords, or if the highest notes go by step as a sung line does; otherwise it is accompaniment only.

*Units*: ticks of the file.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from rnnae_live.phrase import Note, Part, Phrase

SPREAD_MS = 45.0
"""Farthest that the next note of a chord may be behind the one before it."""

SINGLE = 0.85
"""Share of attacks with one note from which on a part is one voice, its chords being double stops."""

LEADS = re.compile(
    r"melod|vocal|\bvox\b|voice|\bvoc\b|\blead|sing|sang|voz|chant|canto|soprano|solo|theme|tune|violin[eo]? ?(1|i\b)",
    re.IGNORECASE,
)
OTHERS = re.compile(
    r"drum|perc|kit|bass\b|\bbs\b|pad\b|chord|accomp|begleit|comping|strum|left|\blh\b|harmony|backing", re.IGNORECASE
)
"""Words in the name of a track that speak for and against the melody."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The part that has the melody, and ``why`` in a few words."""

    part: Part
    why: str


def chords(notes: Sequence[Note], spread: float) -> list[list[Note]]:
    """Return the notes, ordered, grouped by attack; ``spread`` in ticks is the widest gap inside a chord.

    Notes of one group all sound together: a note that ends before another one of the group begins is no part of it.
    """
    groups: list[list[Note]] = []
    ends = 0.0
    for note in notes:
        group = groups[-1] if groups else None
        if (
            group
            and note.onset - group[-1].onset <= spread
            and (
                note.onset == group[-1].onset
                or (note.onset - group[0].onset <= 3 * spread and _together(group, note, ends))
            )
        ):
            group.append(note)
            ends = min(ends, note.end)
        else:
            groups.append([note])
            ends = note.end
    return groups


def _together(group: Sequence[Note], note: Note, ends: float) -> bool:
    """Say whether a note that begins a little later than a group still sounds along with it."""
    together = min(ends, note.end) - note.onset
    return together > 2 * (note.onset - group[0].onset) and all(note.pitch != other.pitch for other in group)


def melody_part(phrase: Phrase) -> Choice | None:
    """Return the part that has the melody, None where all is percussion."""
    parts = [part for part in phrase.parts if not part.is_percussion and part.notes]
    if len(parts) < 2:
        return Choice(parts[0], "the only part") if parts else None
    spread = spread_ticks(phrase)
    tops = {id(part): median(note.pitch for note in part.notes) for part in parts}
    highest, span = max(tops.values()), max(note.end for part in parts for note in part.notes)
    scored = []
    for part in parts:
        score, why = _tunefulness(part, phrase.ppq, spread)
        below = highest - tops[id(part)]
        score -= 0.06 * min(below, 24)
        # A part that hardly plays is a fill, not the tune.
        alone = (part.notes[-1].end - part.notes[0].onset) / max(span, 1)
        score -= 2.0 * max(0.0, 0.5 - alone) + (1.5 if len(part.notes) < 4 else 0.0)
        scored.append((score, -part.track, why, part))
    score, _, why, part = max(scored, key=lambda entry: entry[:2])
    return Choice(part, why)


def spread_ticks(phrase: Phrase) -> float:
    """Return ``SPREAD_MS`` in ticks of the phrase at its first tempo, but never more than a 32nd note."""
    return min(SPREAD_MS * phrase.tempos[0].bpm * phrase.ppq / 60_000, phrase.ppq / 8)


def _tunefulness(part: Part, ppq: int, spread: float) -> tuple[float, str]:
    """Return how much a part sounds like a melody, and the best reason for it."""
    groups = chords(part.notes, spread)
    single = sum(len(group) == 1 for group in groups) / len(groups)
    line = [group[-1] if len(group) == 1 else max(group, key=lambda n: n.pitch) for group in groups]
    pitches = [note.pitch for note in line]
    steps = [abs(b - a) for a, b in pairwise(pitches)]
    gaps = Counter(round(4 * (b.onset - a.onset) / ppq) for a, b in pairwise(line))
    variety = _entropy(gaps) if len(line) > 2 else 0.0
    register = median(pitches)
    reasons = {
        "one note at a time": 4.0 * single,
        "its register": -0.25 * max(0.0, 52 - register) - 0.15 * max(0.0, register - 90),
        "its rhythm": 0.5 * min(variety, 2.5),
        "it goes by step": -0.15 * max(0.0, (fmean(steps) if steps else 0.0) - 3.0),
        "its notes move on": -0.5 * max(0.0, median(note.duration for note in line) / ppq - 1.5),
        "it overlaps itself little": -3.0 * _overlap(line),
        "its name": 0.8 * bool(LEADS.search(part.name)) - 0.8 * bool(OTHERS.search(part.name)),
        "its program": _program(part.program),
        "it is loud": 0.01 * fmean(note.velocity for note in line),
    }
    good = [reason for reason, value in sorted(reasons.items(), key=lambda item: -item[1]) if value > 0.3]
    return sum(reasons.values()), ", ".join(good[:3]) or "nothing better"


def _entropy(counts: Counter[int]) -> float:
    """Return the bits of information in one of so many things."""
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())


def _overlap(line: Sequence[Note]) -> float:
    """Return the share of notes that sound far into the next one: two voices, or a held chord."""
    return sum(a.end - b.onset > max(0.5 * a.duration, 1) for a, b in pairwise(line)) / max(1, len(line) - 1)


def _program(program: int) -> float:
    """Return what General MIDI's instrument says: basses, pads and effects seldom sing, leads and winds do."""
    if 32 <= program <= 39:
        return -1.5
    if 88 <= program <= 103 or program >= 112:
        return -0.8
    if 48 <= program <= 51:
        return -0.4
    return 0.5 if 52 <= program <= 87 or program in {40, 41} else 0.0


def is_bass(part: Part, others: Sequence[Part], spread: float) -> bool:
    """Say whether a part is only the bass below the chords of others."""
    register = median(note.pitch for note in part.notes)
    low = (
        register < 48 or 32 <= part.program <= 39 or (register < 55 and re.search(r"\bbass", part.name, re.IGNORECASE))
    )
    above = [p for p in others if median(n.pitch for n in p.notes) > register]
    return (
        bool(low)
        and not LEADS.search(part.name)
        and any(len(group) >= 3 for p in above for group in chords(p.notes, spread))
    )


def voices(notes: Sequence[Note], spread: float) -> tuple[list[Note], list[Note]]:
    """Return the melody of a part and the notes that accompany it; a part of chords alone has no melody.

    Both are ordered by onset. ``spread`` is the widest gap inside a chord, in ticks.
    """
    groups = chords(notes, spread)
    single = sum(len(group) == 1 for group in groups) / len(groups)
    if single >= SINGLE and _overlap([max(g, key=lambda n: n.pitch) for g in groups]) < 0.3:
        line = [_top(group) for group in groups]
        return line, sorted(set(notes).difference(line))
    line = _skyline(groups)
    rest = sorted(set(notes).difference(line))
    if not rest or _sings(groups, line):
        return line, rest
    return [], list(notes)


def _top(group: Sequence[Note]) -> Note:
    return max(group, key=lambda note: note.pitch)


def _skyline(groups: Sequence[Sequence[Note]]) -> list[Note]:
    """Return the highest notes: of each group the top, unless a higher one sounds on through most of it."""
    line: list[Note] = []
    for group in groups:
        top = _top(group)
        held = line[-1] if line else None
        if held and held.pitch > top.pitch and held.end - top.onset > 0.5 * min(top.duration, held.duration):
            continue
        line.append(top)
    return line


def _sings(groups: Sequence[Sequence[Note]], line: Sequence[Note]) -> bool:
    """Say whether the highest notes of chords are a melody of their own."""
    struck = [_top(group).pitch for group in groups if len(group) >= 3]
    if not struck:
        return True
    tops, high = {id(note) for note in line}, median(struck) - 5
    alone = sum(len(group) <= 2 and id(_top(group)) in tops and _top(group).pitch >= high for group in groups)
    if alone >= 0.2 * len(groups):
        return True
    steps = [abs(b.pitch - a.pitch) for a, b in pairwise(line)]
    moves = [step for step in steps if step]
    return len(moves) >= 8 and sum(step <= 2 for step in moves) >= 0.6 * len(moves)
