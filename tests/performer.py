"""Hand-made MIDI files for the importer's tests: players who are late, strum, arpeggiate, and forget note-offs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

Sounding = tuple[float, float, int, int]
"""Onset and end in ticks of the file, pitch, velocity."""


def number(value: int) -> bytes:
    """Return a variable-length quantity."""
    out = [value & 127]
    while value := value >> 7:
        out.append(value & 127 | 128)
    return bytes(out[::-1])


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "big") + body


def events(rows: Iterable[tuple[int, bytes]], end: int | None = None) -> bytes:
    """Return a track's body: events at absolute ticks, sorted, with an end of track."""
    out, now = b"", 0
    ordered = sorted(rows, key=lambda row: row[0])
    for tick, message in ordered:
        out += number(tick - now) + message
        now = tick
    return out + number(max(0, (now if end is None else end) - now)) + b"\xff\x2f\x00"


def meta(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + number(len(body)) + body


def tempo(bpm: float) -> bytes:
    return meta(0x51, int(60e6 / bpm).to_bytes(3, "big"))


def metre(numerator: int, denominator: int) -> bytes:
    return meta(0x58, bytes([numerator, denominator.bit_length() - 1, 24, 8]))


def part(notes: Sequence[Sounding], channel: int = 0, name: str = "", program: int | None = None) -> bytes:
    """Return the body of a track with some notes; at one tick the note-offs come first."""
    rows: list[tuple[int, int, bytes]] = []
    if name:
        rows.append((0, -2, meta(3, name.encode())))
    if program is not None:
        rows.append((0, -1, bytes([0xC0 | channel, program])))
    for onset, end, pitch, velocity in notes:
        start = max(0, round(onset))
        rows.append((start, 1, bytes([0x90 | channel, pitch, velocity])))
        rows.append((max(start + 1, round(end)), 0, bytes([0x80 | channel, pitch, 0])))
    rows.sort(key=lambda row: row[:2])
    return events((tick, message) for tick, _, message in rows)


def file(tracks: Sequence[bytes], ppq: int = 480, kind: int = 1) -> bytes:
    """Return a MIDI file of track bodies; ``ppq`` may be a SMPTE division."""
    head = kind.to_bytes(2, "big") + len(tracks).to_bytes(2, "big") + (ppq & 0xFFFF).to_bytes(2, "big")
    return chunk(b"MThd", head) + b"".join(chunk(b"MTrk", body) for body in tracks)


def song(parts: Sequence[bytes], ppq: int = 480, bpm: float = 120, signature: tuple[int, int] = (4, 4)) -> bytes:
    """Return a file of type 1 with a track of tempo and metre before the parts."""
    return file([events([(0, tempo(bpm)), (0, metre(*signature))]), *parts], ppq)


ARTICULATIONS = {"legato": (0.97, 1.08), "detached": (0.6, 0.85), "staccato": (0.2, 0.4), "mixed": (0.45, 1.05)}


def perform(
    notes: Sequence[tuple[int, int, int]],
    dice: random.Random,
    *,
    ppq: int = 480,
    bpm: float = 100,
    jitter_ms: float = 10,
    articulation: str = "legato",
    lead_in_ms: float = 500,
) -> list[Sounding]:
    """Return grid notes (onset, duration, pitch at 24 a quarter) as somebody plays them."""
    scale, ms = ppq / 24, bpm * ppq / 60_000
    low, high = ARTICULATIONS[articulation]
    played: list[Sounding] = []
    for onset, duration, pitch in notes:
        start = (lead_in_ms + dice.gauss(0, jitter_ms)) * ms + onset * scale
        start = max(start, played[-1][0] + 1 if played else 0)
        end = start + duration * scale * dice.uniform(low, high) + dice.gauss(0, jitter_ms / 3) * ms
        played.append((start, max(end, start + 8), pitch, dice.randint(50, 110)))
    return played


def tune(text: str) -> list[tuple[int, int, int]]:
    """Return notes on the grid from words like ``D5/4``: note name, octave and sixteenths; ``-`` rests."""
    notes, now = [], 0
    for word in text.split():
        name, length = word.split("/")
        duration = round(float(length) * 6)
        if name != "-":
            steps = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
            pitch = 12 * (int(name[-1]) + 1) + steps + name.count("#") - name[1:].count("b")
            notes.append((now, duration, pitch))
        now += duration
    return notes


ODE = tune(
    "E4/4 E4/4 F4/4 G4/4 G4/4 F4/4 E4/4 D4/4 C4/4 C4/4 D4/4 E4/4 E4/6 D4/2 D4/8 "
    "E4/4 E4/4 F4/4 G4/4 G4/4 F4/4 E4/4 D4/4 C4/4 C4/4 D4/4 E4/4 D4/6 C4/2 C4/8"
)
"""Ode to Joy, 4/4, eight bars."""

GREENSLEEVES = tune(
    "A4/2 C5/4 D5/2 E5/3 F#5/1 E5/2 D5/4 B4/2 G4/3 A4/1 B4/2 C5/4 A4/2 A4/3 G#4/1 A4/2 B4/4 G#4/2 E4/4 A4/2 "
    "C5/4 D5/2 E5/3 F#5/1 E5/2 D5/4 B4/2 G4/3 A4/1 B4/2 C5/3 B4/1 A4/2 G#4/3 F#4/1 G#4/2 A4/6 A4/4"
)
"""Greensleeves, 6/8, eight bars after a pickup of an eighth."""

AMAZING = tune(
    "C4/4 F4/8 A4/2 F4/2 A4/8 G4/4 F4/8 D4/4 C4/8 C4/4 F4/8 A4/2 F4/2 A4/8 G4/4 C5/12 -/8 A4/4 C5/6 A4/2 C5/2 A4/2 "
    "F4/8 C4/4 D4/6 F4/2 F4/2 D4/2 C4/8 C4/4 F4/8 A4/2 F4/2 A4/8 G4/4 F4/12 F4/8"
)
"""Amazing Grace, 3/4, after a pickup of a quarter."""

TRIPLETS = tune(
    "C5/4 G4/1.3333333 A4/1.3333333 B4/1.3333333 C5/2 D5/2 E5/4 D5/1.3333333 C5/1.3333333 B4/1.3333333 "
    "A4/1.3333333 B4/1.3333333 C5/1.3333333 G4/8 C5/4 G4/1.3333333 A4/1.3333333 B4/1.3333333 C5/4 E5/4 C5/12 -/4"
)
"""Four bars of 4/4 with triplets."""

TUNES = {
    "ode": (ODE, (4, 4)),
    "greensleeves": (GREENSLEEVES, (6, 8)),
    "amazing": (AMAZING, (3, 4)),
    "triplets": (TRIPLETS, (4, 4)),
}

NAMES = {
    "plain": {"melody": "Melody", "bass": "Bass", "pad": "Strings", "drums": "Drums", "broken": "Piano"},
    "empty": {},
    "numbers": {"melody": "Track 4", "bass": "Track 1", "pad": "Track 2", "drums": "Track 3", "broken": "Track 5"},
    "wrong": {"melody": "Strings", "bass": "Melody", "pad": "Lead", "drums": "Vox", "broken": "Solo"},
}


def arrange(
    notes: Sequence[tuple[int, int, int]],
    dice: random.Random,
    *,
    ppq: int = 480,
    signature: tuple[int, int] = (4, 4),
    kind: int = 1,
    names: str = "plain",
    extra: Sequence[str] = ("bass", "pad", "drums"),
) -> bytes:
    """Return an arrangement of a tune with an accompaniment in any order of tracks and channels."""
    scale = ppq / 24
    bar = signature[0] * 4 * ppq // signature[1]
    bars = -(-round(max(on + long for on, long, _ in notes) * scale) // bar)
    low = min(pitch for _, _, pitch in notes)
    channels = dice.sample([c for c in range(16) if c != 9], 4)
    melody: list[Sounding] = [
        (on * scale, (on + long) * scale, pitch, dice.randint(75, 100)) for on, long, pitch in notes
    ]
    parts = {"melody": part(melody, channels[0], NAMES[names].get("melody", ""), dice.choice((0, 56, 73, 80)))}
    for role in extra:
        sounding: list[Sounding] = []
        for i in range(bars):
            root = (0, 5, 7, 9)[dice.randrange(4)]
            triad = [root + 12 * 4 + step for step in (0, 4, 7)]
            start, beats = i * bar, max(1, bar // ppq)
            if role == "bass":
                sounding += [(start + b * ppq, start + (b + 0.9) * ppq, 36 + root, 80) for b in range(beats)]
            elif role == "pad":
                sounding += [(start, start + bar - 10 * ppq / 480, pitch, 60) for pitch in triad]
            elif role == "broken":
                step = ppq // 2
                sounding += [(start + k * step, start + (k + 1) * step, triad[k % 3] - 12 * (low < 60), 60)
                             for k in range(bar // step)]  # fmt: skip
            else:
                step = ppq // 2
                sounding += [(start + k * step, start + k * step + step / 4, dice.choice((36, 38, 42)), 90)
                             for k in range(bar // step)]  # fmt: skip
        channel = 9 if role == "drums" else channels[1 + ["bass", "pad", "broken"].index(role)]
        program = {"bass": 33, "pad": 48, "broken": 0, "drums": 0}[role]
        parts[role] = part(sounding, channel, NAMES[names].get(role, ""), program)
    bodies = list(parts.values())
    dice.shuffle(bodies)
    head = events([(0, tempo(120)), (0, metre(*signature))])
    if kind == 0:
        return file([merged([head, *bodies])], ppq, 0)
    return file([head, *bodies], ppq, kind)


def merged(bodies: Sequence[bytes]) -> bytes:
    """Return the bodies of several tracks as one track, as a file of type 0 has it."""
    rows: list[tuple[int, bytes]] = []
    for body in bodies:
        at, now = 0, 0
        while at < len(body):
            delta = 0
            while body[at] & 128:
                delta = delta << 7 | body[at] & 127
                at += 1
            delta = delta << 7 | body[at]
            now, at = now + delta, at + 1
            if body[at] == 0xFF:
                end = at + 3 + body[at + 2]
                if body[at + 1] not in {0x2F, 0x03}:
                    rows.append((now, body[at:end]))
            else:
                end = at + (2 if 0xC0 <= body[at] < 0xE0 else 3)
                rows.append((now, body[at:end]))
            at = end
    offs_first = sorted(rows, key=lambda row: (row[0], row[1][0] >= 0x90))
    return events(offs_first)
