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
