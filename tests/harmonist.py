"""Chord files with known roots for the importer's tests, in the ways that players and sequencers sound chords."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests import performer
from tests.performer import Sounding

QUALITIES = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "add9": (0, 2, 4, 7),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
}
DEGREES = (
    ("maj", 0, 20), ("min", 9, 9), ("maj", 5, 11), ("maj", 7, 11), ("7", 7, 9), ("min", 2, 7), ("min", 4, 4),
    ("min7", 2, 3), ("min7", 9, 2), ("maj7", 0, 3), ("add9", 0, 2), ("maj", 10, 3), ("min", 5, 2), ("dim", 11, 1),
    ("sus4", 0, 1), ("maj", 2, 2),
)  # fmt: skip
"""Quality, root above the tonic, and how often."""

STYLES = ("block", "strum", "arpeggio", "alberti", "comp", "two hands", "jitter", "bass track", "melody", "oom-pah")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file and the truth about it: (onset, duration, root) in ticks of the file."""

    data: bytes
    ppq: int
    roots: list[tuple[int, int, int]]
    melody: list[tuple[int, int, int]]


def voicing(root: int, quality: str, dice: random.Random) -> list[int]:
    """Return pitches of a chord in any inversion and spacing."""
    tones = [(root + tone) % 12 for tone in QUALITIES[quality]]
    low = tones.pop(dice.randrange(len(tones)) if dice.random() < 0.65 else 0)
    pitches = [low + 12 * dice.choice((3, 4, 4, 5))]
    dice.shuffle(tones)
    for tone in tones:
        pitch = pitches[-1] + 1
        pitch += (tone - pitch) % 12
        pitches.append(pitch + 12 * (dice.random() < 0.15))
    if dice.random() < 0.3:
        pitches.append(pitches[0] + 12 * ((pitches[-1] - pitches[0]) // 12 + 1))
    return sorted({pitch if pitch < 100 else pitch - 24 for pitch in pitches})


def piece(style: str, dice: random.Random) -> Piece:
    """Return a chord file in one of ``STYLES``."""
    ppq = dice.choice((96, 240, 480, 960))
    signature, beats = dice.choice((((4, 4), 4), ((4, 4), 4), ((3, 4), 3)))
    bpm = dice.choice((72, 88, 100, 124, 140))
    key, now = dice.randrange(12), 0
    chords: list[Sounding] = []
    bass: list[Sounding] = []
    tune: list[Sounding] = []
    truth, last = [], (-1, "")
    for _ in range(dice.choice((12, 16, 20))):
        quality, degree, _ = dice.choices(DEGREES, [weight for *_, weight in DEGREES])[0]
        root = (key + degree) % 12
        if (root, quality) == last:
            continue
        last = root, quality
        length = dice.choice((beats, beats, beats // 2 * (beats == 4) or beats)) * ppq
        pitches = voicing(root, quality, dice)
        truth.append((now, length, root))
        chords += _sound(style, pitches, now, length, ppq, bpm, dice)
        if style == "bass track":
            low = min(pitches) % 12 + 36
            bass.append((now, now + length - ppq // 24, low, 84))
        if style == "melody":
            tune += _tune(pitches, now, length, ppq, dice)
        now += length
    first = chords + tune
    tracks = [performer.part(sorted(first), 0, dice.choice(("chords", "", "Piano")))]
    if bass:
        tracks.append(performer.part(bass, 1, dice.choice(("bass", "", "Track 2"))))
        dice.shuffle(tracks)
    melody = [(round(a), round(b - a), pitch) for a, b, pitch, _ in tune]
    return Piece(performer.song(tracks, ppq, bpm, signature), ppq, truth, melody)


def _sound(
    style: str, pitches: list[int], now: int, length: int, ppq: int, bpm: float, dice: random.Random
) -> list[Sounding]:
    """Return one chord as it sounds in a style."""
    ms, short = bpm * ppq / 60_000, ppq // 16
    end = now + length - short
    if style == "strum":
        order = pitches if dice.random() < 0.7 else pitches[::-1]
        return [(now + i * dice.uniform(4, 12) * ms, end, pitch, 90 - 3 * i) for i, pitch in enumerate(order)]
    if style == "jitter":
        return [
            (max(0, now + dice.gauss(0, 10) * ms), end + dice.gauss(0, 15) * ms, pitch, dice.randint(50, 100))
            for pitch in pitches
        ]
    if style in {"arpeggio", "alberti"}:
        step = ppq // 2
        line = [*pitches, *pitches[-2:0:-1]]
        if style == "alberti" and len(pitches) >= 3:
            line = [pitches[0], pitches[-1], pitches[1], pitches[-1]]
        return [(now + i * step, now + (i + 1) * step, line[i % len(line)], 76) for i in range(length // step)]
    if style == "comp":
        hits = [h for h in (0, 3, 6, 8, 11, 14) if h * ppq // 2 < length]
        return [
            (now + h * ppq // 2, now + h * ppq // 2 + ppq // 3, p, dice.randint(70, 90)) for h in hits for p in pitches
        ]
    if style == "oom-pah":
        out: list[Sounding] = [(now, now + ppq, min(pitches) - 12, 80)]
        for beat in range(1, length // ppq):
            out += [(now + beat * ppq, now + (beat + 1) * ppq - short, pitch, 70) for pitch in pitches]
        return out
    if style == "two hands":
        pitches = sorted({*pitches, min(pitches) - 12, max(pitches) + 12 if max(pitches) < 96 else max(pitches)})
    return [(now, end, pitch, 76) for pitch in pitches]


def _tune(pitches: list[int], now: int, length: int, ppq: int, dice: random.Random) -> list[Sounding]:
    """Return some melody notes above a chord."""
    out: list[Sounding] = []
    start, top = now, max(pitches) + 3
    while start < now + length:
        step = min(dice.choice((ppq // 2, ppq, ppq)), now + length - start)
        pitch = dice.choice([p + 12 * k for p in pitches for k in range(5) if top <= p + 12 * k < top + 14])
        pitch += dice.choice((0, 0, 2)) * (dice.random() < 0.3)
        out.append((start, start + step - ppq // 24, pitch, 96))
        start += step
    return out
