"""A small electric piano in numpy: melodies as sound, without a SoundFont or a sound card.

melody -> [synth] -> .wav

Two-operator frequency modulation with a soft attack, a decay that is faster for high notes, and a release;
then a short Schroeder reverberation. Every role of the demo has a timbre of its own, so that question and
answer can be told apart by ear.

*Shapes*: sound is float32 (frames, 2), -1 to 1. *Units*: seconds, hertz; a melody brings its own tempo.
*Source*: Chowning 1973 for the modulation, Schroeder 1962 for combs and all-passes.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rnnae_live.files import write_whole
from rnnae_live.melody import PPQ, Melody

Sound = npt.NDArray[np.float32]

RATE = 44_100
"""Frames per second."""

PEAK = 0.84
"""Loudest sample of a rendering: 1.5 dB below full scale, so that no converter overshoots."""

TAIL = 1.6
"""Seconds that the room rings on after the last release."""

LEVELS = 16
"""Steps of velocity that differ in brightness; between them only the loudness differs."""

COMBS = (1687, 1601, 2053, 2251)
ALL_PASSES = (347, 113)
SPREAD = 23
"""Delays of the reverberation in frames, mutually prime; the right side's are ``SPREAD`` longer."""


@dataclass(frozen=True, slots=True)
class Timbre:
    """One instrument: modulator frequency / carrier frequency, depth of modulation, and times in seconds."""

    ratio: float
    depth: float
    attack: float
    decay: float
    release: float
    octave: float = 0.0
    """Level of a second carrier an octave above, 0 to 1."""


TIMBRES = {
    "input": Timbre(ratio=1.0, depth=1.3, attack=0.004, decay=1.1, release=0.10, octave=0.12),
    "answer": Timbre(ratio=2.0, depth=0.9, attack=0.008, decay=1.6, release=0.16, octave=0.25),
    "morph": Timbre(ratio=3.0, depth=0.55, attack=0.012, decay=1.3, release=0.20, octave=0.05),
}
"""Timbre by role."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A melody at ``start`` seconds, played by ``timbre`` (a key of TIMBRES), at ``pan`` -1 left to 1 right."""

    melody: Melody
    timbre: str = "answer"
    pan: float = 0.0
    start: float = 0.0

    @property
    def tick(self) -> float:
        """Seconds per tick of the melody."""
        return 60.0 / (self.melody.bpm * PPQ)

    @property
    def end(self) -> float:
        """Second at which the melody, with the rest at its end, is over."""
        return self.start + self.melody.length * self.tick


def render(voices: Sequence[Voice], room: float = 0.16) -> Sound:
    """Return all voices together as stereo sound, scaled to ``PEAK``; silence stays silence.

    ``room`` is the level of the reverberation, 0 to 1. The sound lasts until the last voice has ended and
    rung out, ``TAIL`` seconds later.

    Raises:
        KeyError: a voice names a timbre that does not exist.
    """
    seconds = max((voice.end for voice in voices), default=0.0) + TAIL
    dry = np.zeros((round(seconds * RATE), 2), np.float32)
    for voice in voices:
        _play(voice, dry)
    sound = dry + np.float32(room) * _reverberate(dry) if room > 0 else dry
    peak = float(np.abs(sound).max(initial=0.0))
    if peak > 0:
        sound *= np.float32(PEAK / peak)
    return sound


def write(path: Path, sound: Sound) -> None:
    """Write ``sound`` as a 16-bit stereo WAV file, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(np.clip(sound, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    write_whole(path, data.getvalue())


def _play(voice: Voice, into: Sound) -> None:
    """Add the notes of ``voice`` to ``into``; a note that rings past the end is cut where it is inaudible."""
    timbre = TIMBRES[voice.timbre]
    # Equal power: a voice is as loud at the side as in the middle.
    angle = (1.0 + min(1.0, max(-1.0, voice.pan))) * np.pi / 4
    sides = np.array([np.cos(angle), np.sin(angle)], np.float32)
    for note in voice.melody.notes:
        level = 1 + note.velocity * (LEVELS - 1) // 127
        tone = _tone(timbre, note.pitch, round(note.duration * voice.tick, 5), level)
        first = round((voice.start + note.onset * voice.tick) * RATE)
        tone = tone[: len(into) - first]
        gain = np.float32((0.15 + 0.85 * note.velocity / 127) ** 1.5)
        into[first : first + len(tone)] += (gain * tone)[:, None] * sides


@lru_cache(maxsize=512)
def _tone(timbre: Timbre, pitch: int, seconds: float, level: int) -> Sound:
    """Return one note of ``seconds`` and its release as mono sound; ``level`` 1 to LEVELS is its brightness."""
    hertz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    frames = round((seconds + 6 * timbre.release) * RATE)
    t = np.arange(frames, dtype=np.float32) / np.float32(RATE)
    phase = np.float32(2 * np.pi * hertz) * t
    # High notes of a struck instrument die sooner and carry fewer partials.
    height = np.float32(2.0 ** ((60 - pitch) / 24))
    decay = np.exp(-t / (np.float32(timbre.decay) * height))
    depth = np.float32(timbre.depth * min(1.5, float(height)) * (0.35 + 0.65 * level / LEVELS))
    if hertz * (1 + timbre.ratio * (1 + depth)) > RATE / 2:
        depth = np.float32(0.0)
    tone = np.sin(phase + depth * decay * np.sin(np.float32(timbre.ratio) * phase))
    if hertz * 2 < RATE / 2:
        tone += np.float32(timbre.octave) * decay * np.sin(2 * phase)
    tone *= decay
    tone *= _gate(t, seconds, timbre)
    single: Sound = tone.astype(np.float32)
    return single


def _gate(t: Sound, seconds: float, timbre: Timbre) -> Sound:
    """Return the envelope of key down and key up: a raised cosine, one, an exponential that reaches zero."""
    gate = np.ones_like(t)
    rise = min(len(t), max(2, round(timbre.attack * RATE)))
    gate[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    up = round(seconds * RATE)
    after = t[up:] - np.float32(seconds)
    # A straight line on top of the exponential ends it at zero, without a click.
    line = np.linspace(1.0, 0.0, len(after), dtype=np.float32)
    gate[up:] *= np.exp(-after / np.float32(timbre.release)) * line
    return gate


def _reverberate(dry: Sound) -> Sound:
    """Return the ringing of a small room: four combs in parallel, two all-passes in series, on each side."""
    mono = dry.mean(axis=1)
    # Walls take the treble: a short running mean before the combs.
    dull = np.convolve(mono, np.full(6, 1 / 6, np.float32), mode="same").astype(np.float32)
    wet = np.empty_like(dry)
    for side in (0, 1):
        ring = np.zeros_like(dull)
        for delay in COMBS:
            ring += _comb(dull, delay + side * SPREAD, 0.80)
        for delay in ALL_PASSES:
            ring = _all_pass(ring, delay + side * SPREAD, 0.6)
        wet[:, side] = ring / len(COMBS)
    return wet


def _comb(x: Sound, delay: int, gain: float) -> Sound:
    """Return y with y[n] = x[n] + gain * y[n - delay], one delay's length at a time."""
    rows = -(-len(x) // delay)
    y = np.zeros((rows, delay), np.float32)
    y.reshape(-1)[: len(x)] = x
    for row in range(1, rows):
        y[row] += np.float32(gain) * y[row - 1]
    return y.reshape(-1)[: len(x)]


def _all_pass(x: Sound, delay: int, gain: float) -> Sound:
    """Return y with y[n] = -gain * x[n] + x[n - delay] + gain * y[n - delay]."""
    late = np.zeros_like(x)
    late[delay:] = x[:-delay]
    return _comb(late - np.float32(gain) * x, delay, gain)
