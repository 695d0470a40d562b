"""Melody to tokens and back: the vocabulary that training and stage share.

melody -> [tokens] -> model, decoder

A token is one note, rest, tie or tag: a pair (pitch symbol, duration symbol), each of which the network
sees one-hot. The pitch symbols are the start tag, the end tag, ``rest``, ``hold`` and the pitches of five
octaves; the duration symbols are "none" (for the tags) and the durations of the table. A duration that
the table lacks is a note and one or more ``hold`` tokens, so every whole number of ticks has exactly one
spelling. ``hold`` as the first token is a tie from the piece before.

The network also sees, one-hot, where in the phrase a token stands: its beat and its tick in the beat. Phrases of
different rhythm can then be mixed, because what their states say of one place is said at one place.

*Shapes*: tokens are int32 of shape (n, 2), without the tags; what the network reads is (n, 4): pitch symbol, duration
symbol, beat, tick. *Units*: durations in ticks, 24 a quarter note.
A melody outside the five octaves is moved by whole octaves, and how many is remembered beside the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rnnae_live.melody import PPQ, Melody
from rnnae_live.phrase import Metre, Note

Tokens = NDArray[np.int32]
"""Token ids, int32 (n, 2): pitch symbol, duration symbol."""

Place = TypeVar("Place", int, NDArray[np.int32], NDArray[np.int64])

START, END, REST, HOLD = 0, 1, 2, 3
"""The pitch symbols that are no pitch."""

FIRST_PITCH = 4
"""Pitch symbol of the lowest pitch."""

BEATS = 32
"""Quarter notes after which the beats that the network sees begin again: eight bars of 4/4."""

DURATIONS: tuple[int, ...] = (
    *(1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 15, 16, 18, 20, 21, 24),
    *(30, 32, 36, 42, 48, 54, 56, 60, 64, 66, 72, 84, 96, 120, 144),
)
"""The 32 durations that cover 99.9 % of the notes and rests of the training corpus without a ``hold``."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The symbols of a model: pitches ``lowest`` to ``highest`` and the ``durations`` in ticks, ascending from 1."""

    lowest: int = 36
    highest: int = 96
    durations: tuple[int, ...] = DURATIONS
    ticks: NDArray[np.int32] = field(init=False, repr=False, compare=False)
    """Ticks of every duration symbol, int32 (len(durations) + 1,); 0 for "none"."""

    def __post_init__(self) -> None:
        """Check the tables.

        Raises:
            ValueError: the range holds less than an octave, or the durations do not ascend from 1.
        """
        if not 0 <= self.lowest <= self.highest - 11 <= 116:
            raise ValueError(f"The pitches {self.lowest}-{self.highest} do not hold an octave inside 0-127.")
        if self.durations[:1] != (1,) or any(b <= a for a, b in zip(self.durations, self.durations[1:], strict=False)):
            raise ValueError("The durations must ascend from 1, so that every length can be spelled.")
        object.__setattr__(self, "ticks", np.array([0, *self.durations], np.int32))

    @property
    def pitch_symbols(self) -> int:
        """Number of pitch symbols, tags included."""
        return FIRST_PITCH + self.highest - self.lowest + 1

    @property
    def duration_symbols(self) -> int:
        """Number of duration symbols, "none" included."""
        return len(self.durations) + 1

    @property
    def span(self) -> tuple[int, int]:
        """Symbols of the lowest and the highest pitch."""
        return FIRST_PITCH, self.pitch_symbols - 1

    @property
    def features(self) -> int:
        """Number of all symbols that the network sees: pitches, durations, beats and ticks."""
        return self.pitch_symbols + self.duration_symbols + BEATS + PPQ

    def octave_shift(self, melody: Melody) -> int:
        """Return the fewest octaves by which all pitches come inside the range, or the nearest when none does."""
        if not melody.notes:
            return 0
        low = min(n.pitch for n in melody.notes)
        high = max(n.pitch for n in melody.notes)
        outside = {k: max(0, self.lowest - low - 12 * k) + max(0, high + 12 * k - self.highest) for k in range(-8, 9)}
        return min(outside, key=lambda k: (outside[k], abs(k)))

    def encode(self, melody: Melody) -> tuple[Tokens, int]:
        """Return the tokens of a melody and the octaves by which they were moved.

        Every tick of the melody is spelled, so the durations add up to its length. A pitch that stays
        outside the range even then (a melody of more than five octaves) is folded by octaves.
        """
        shift = self.octave_shift(melody)
        rows: list[tuple[int, int]] = []
        here = 0
        for i, note in enumerate(melody.notes):
            self._spell(rows, REST, note.onset - here)
            symbol = HOLD if i == 0 and melody.tied else FIRST_PITCH + self._fold(note.pitch + 12 * shift) - self.lowest
            self._spell(rows, symbol, note.duration)
            here = note.end
        self._spell(rows, REST, melody.length - here)
        return np.array(rows, np.int32).reshape(-1, 2), shift

    def decode(self, tokens: Tokens, *, octaves: int = 0, tie: int | None = None, velocity: int = 80) -> Melody:
        """Return the melody that tokens spell, in 4/4 until the caller knows better.

        Args:
            tokens: int32 (n, 2), tags excluded.
            octaves: the shift that ``encode`` returned, taken back here.
            tie: the pitch that a ``hold`` at the very beginning continues; without one it is a rest.
            velocity: 1-127, given to every note.
        """
        notes: list[Note] = []
        here = 0
        sounding = tie is not None
        tied = False
        for pitch, duration in tokens.tolist():
            ticks = int(self.ticks[duration])
            if pitch >= FIRST_PITCH:
                sounded = pitch - FIRST_PITCH + self.lowest - 12 * octaves
                notes.append(Note(here, ticks, min(127, max(0, sounded)), velocity))
                sounding = True
            elif pitch == HOLD and sounding:
                if not notes:
                    tied = True
                    notes.append(Note(0, ticks, tie or 0, velocity))
                else:
                    notes[-1] = replace(notes[-1], duration=notes[-1].duration + ticks)
            else:
                sounding = False
            here += ticks
        return Melody(tuple(notes), here, (Metre(0),), tied=tied)

    def placed(self, tokens: Tokens, start: int = 0) -> Tokens:
        """Return tokens with the beat and tick of their onsets, int32 (n, 4); the first begins at tick ``start``."""
        lasts = self.ticks[tokens[:, 1]]
        beats, ticks = place(start + np.cumsum(lasts) - lasts)
        return np.stack([tokens[:, 0], tokens[:, 1], beats, ticks], axis=1).astype(np.int32)

    def one_hot(self, tokens: Tokens) -> NDArray[np.float32]:
        """Return tokens as the network sees them: float32 (n, ``features``) with four ones in each row."""
        rows = np.zeros((len(tokens), self.features), np.float32)
        np.put_along_axis(rows, self.placed(tokens) + self.offsets, 1.0, axis=1)
        return rows

    @property
    def offsets(self) -> NDArray[np.int32]:
        """Where the pitches, durations, beats and ticks begin among the ``features``, int32 (4,)."""
        pitches, durations = self.pitch_symbols, self.duration_symbols
        return np.array([0, pitches, pitches + durations, pitches + durations + BEATS], np.int32)

    def _fold(self, pitch: int) -> int:
        while pitch < self.lowest:
            pitch += 12
        while pitch > self.highest:
            pitch -= 12
        return pitch

    def _spell(self, rows: list[tuple[int, int]], symbol: int, ticks: int) -> None:
        """Append ``ticks`` of ``symbol``: the longest duration that fits, then ``hold``, or ``rest`` again."""
        while ticks > 0:
            i = int(np.searchsorted(self.ticks, ticks, side="right")) - 1
            rows.append((symbol, i))
            ticks -= int(self.ticks[i])
            symbol = symbol if symbol == REST else HOLD


def place(tick: Place) -> tuple[Place, Place]:
    """Return the beat and the tick in it that the network sees of a tick in a phrase, or of many."""
    return tick // PPQ % BEATS, tick % PPQ
