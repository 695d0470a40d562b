"""Phrases that are mixed to measure the mixer: pairs, fours and eights of different songs, made comparable.

songs -> corpus -> [pairs] -> mixing

Every phrase is two whole bars of one metre with four notes or more and no tie into it. The phrases of a group have the
same length and metre, come from different songs, and are moved by -6 to 5 semitones so that the pitch classes agree
best with the first; so what a mix shows of its parents is not just their key. Each group has other songs' phrases,
chosen and moved alike, to which the parents' nearness is compared.

*Units*: ticks, 24 to the quarter note; semitones. The same songs and seed give the same groups.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnae_export.corpus import windows
from rnnae_live.decoder import LONGEST
from rnnae_live.melody import BARS_PER_PIECE, Melody, transpose

FEWEST_NOTES = 4
OTHERS = 8
"""Phrases of other songs that a group has to be compared with."""

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Group:
    """Phrases to mix, ``OTHERS`` phrases of other songs, and a ``third``: one more of those that stands for a child."""

    parents: tuple[Melody, ...]
    others: tuple[Melody, ...]
    third: Melody


@dataclass(frozen=True, slots=True)
class _Phrase:
    song: str
    melody: Melody


def pick_groups(songs: Mapping[str, Melody], count: int, voices: int = 2, seed: int = 0) -> list[Group]:
    """Return ``count`` groups of ``voices`` parents; fewer, or none, where the songs do not give as many.

    Args:
        songs: by name; two names are two songs.
        count: groups wanted, 0 or more.
        voices: parents of a group, 1 or more.
        seed: of the dice.
    """
    dice = random.Random(seed)
    shelves = [s for s in _shelves(songs) if len({phrase.song for phrase in s}) > voices]
    drawn = [(phrase, shelf) for shelf in shelves for phrase in shelf]
    groups: list[Group] = []
    for _ in range(_TRIES * count if drawn else 0):
        if len(groups) == count:
            break
        first, shelf = dice.choice(drawn)
        group = _group(first, shelf, voices, dice)
        if len({line(parent) for parent in group.parents}) == voices:
            groups.append(group)
    return groups


def align(first: Melody, second: Melody) -> Melody:
    """Return ``second`` moved by -6 to 5 semitones so that its pitch classes, by sounding time, agree best."""
    a, b = _pitch_classes(first), _pitch_classes(second)
    agreement = {shift: (round(float(a @ np.roll(b, shift)), 6), -abs(shift)) for shift in range(-6, 6)}
    shift = max(agreement, key=agreement.__getitem__)
    pitches = [note.pitch for note in second.notes] or [60]
    if min(pitches) + shift < 0:
        shift += 12
    elif max(pitches) + shift > 127:
        shift -= 12
    return transpose(second, shift)


def line(melody: Melody) -> tuple[tuple[int, int, int], ...]:
    """Return onset, duration and pitch of the notes: what makes two melodies the same."""
    return tuple((note.onset, note.duration, note.pitch) for note in melody.notes)


def _shelves(songs: Mapping[str, Melody]) -> list[list[_Phrase]]:
    """Return all phrases, those of one length and metre together."""
    shelves: dict[tuple[int, int, int], list[_Phrase]] = {}
    for name, melody in songs.items():
        for phrase in windows(melody, BARS_PER_PIECE, BARS_PER_PIECE):
            whole = len(phrase.metres) == 1 and not phrase.tied and not phrase.pickup and phrase.length <= LONGEST
            if whole and len(phrase.notes) >= FEWEST_NOTES:
                metre = phrase.metres[0]
                key = (phrase.length, metre.numerator, metre.denominator)
                shelves.setdefault(key, []).append(_Phrase(name, phrase))
    return list(shelves.values())


def _group(first: _Phrase, shelf: list[_Phrase], voices: int, dice: random.Random) -> Group:
    parents = [first]
    while len(parents) < voices:
        parents.append(_draw(shelf, {p.song for p in parents}, dice))
    taken = {p.song for p in parents}
    rest = [_draw(shelf, taken, dice) for _ in range(OTHERS + 1)]
    moved = [align(first.melody, phrase.melody) for phrase in (*parents[1:], *rest)]
    own = voices - 1
    return Group((first.melody, *moved[:own]), tuple(moved[own:-1]), moved[-1])


def _draw(shelf: list[_Phrase], taken: set[str], dice: random.Random) -> _Phrase:
    """Return a phrase of none of the songs ``taken``; the shelf has one."""
    for _ in range(_TRIES):
        phrase = dice.choice(shelf)
        if phrase.song not in taken:
            return phrase
    return dice.choice([phrase for phrase in shelf if phrase.song not in taken])


def _pitch_classes(melody: Melody) -> NDArray[np.float64]:
    share = np.zeros(12)
    for note in melody.notes:
        share[note.pitch % 12] += note.duration
    return share / max(1e-9, float(np.linalg.norm(share)))
