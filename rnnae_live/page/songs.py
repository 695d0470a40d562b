"""The bank as the page shows it: a row for each preset, its place on a map of the state space, and new ones from files.

library, song, presets -> [songs] -> viewers

On the map songs that the model has near each other lie near each other: it is the plane through the mean states of all
songs in which they differ most (principal components), each axis spread over 0-1.

*Units*: notes as [onset, duration, pitch] and beginnings of pieces in ticks, 24 to the quarter note; programs 1-128 as
a DAW shows them.
*Threading*: one thread at a time, which may take its time; the model is loaded when something is first imported.
*Errors*: ``RnnaeError`` where a file cannot be imported.
*Source*: Pearson, On lines and planes of closest fit to systems of points in space, 1901.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnnae_live.errors import MidiFileError, PresetError
from rnnae_live.library import Preset
from rnnae_live.library.lookup import Lookup
from rnnae_live.midifile import read
from rnnae_live.page.messages import Import
from rnnae_live.song import song

if TYPE_CHECKING:
    from rnnae_live.melody import Melody
    from rnnae_live.presets import Bank
    from rnnae_live.state import Chain

MOST_SHOWN = 10_000
"""Presets that have a row."""

MOST_READ = 1_024
"""Presets of which a row has notes and a place on the map: each is a file to read."""

PREVIEW = 128
"""Notes at the beginning that a row has."""

MARGIN = 0.06
"""Of the map, at each of its edges."""

LARGEST_IMPORT = 4 << 20
"""Bytes of a MIDI file."""

Row = dict[str, Any]


class Songs:
    """The presets of the bank in ``folder``, of the factory and the user where that is None."""

    def __init__(self, folder: Path | None) -> None:
        """Find the bank.

        Raises:
            ModelError: there is none.
        """
        self._folder = folder
        self._lookup = Lookup.open(folder)
        self._bank: Bank | None = None

    def refresh(self) -> bool:
        """Read what others have changed meanwhile; False where they have not."""
        return self._lookup.refresh()

    def rows(self) -> list[Row]:
        """Return a row for each preset, in the order of the bank."""
        rows, states, placed = [], [], []
        for number, preset in enumerate(self._lookup.presets[:MOST_SHOWN]):
            row = _row(preset, own=self._lookup.is_own(preset))
            rows.append(row)
            if number < MOST_READ:
                try:
                    row.update(_content(preset))
                    states.append(mean_state(preset))
                    placed.append(row)
                except (PresetError, ValueError):
                    continue  # Its file has gone meanwhile, or is damaged.
        for row, (x, y) in zip(placed, places(states), strict=True):
            row["xy"] = [round(x, 4), round(y, 4)]
        return rows

    def take(self, given: Import) -> tuple[Row, dict[str, Any]]:
        """Make a preset of a MIDI file, store it where it is exact, and return what came of it.

        The second is what the engine is asked for so that it is in its slot, nothing where no slot was asked for.

        Raises:
            MidiFileError: the file cannot be read, or has no melody in it.
            PresetError: the preset cannot be stored.
        """
        # The model and what runs it are large, and most sessions import nothing.
        from rnnae_live.melody import difference
        from rnnae_live.mixer import play
        from rnnae_live.presets import make

        if len(given.data) > LARGEST_IMPORT:
            raise MidiFileError(f"A MIDI file has at most {LARGEST_IMPORT >> 20} MB; this one is larger.")
        phrase = read(given.data)
        tracks = [part.name or f"track {part.track + 1}, channel {part.channel + 1}" for part in phrase.parts]
        if given.track is not None:
            if given.track >= len(phrase.parts):
                raise MidiFileError(f"There is no track {given.track}; the file has {len(tracks)} with notes.")
            phrase = replace(phrase, parts=(phrase.parts[given.track],))
        heard = song(phrase)
        bank = self._opened()
        preset = make(bank.model, heard.melody, given.name)
        missed = None if preset.exact else difference(heard.melody, play(bank.model, preset.chain))
        if preset.exact:
            bank.save(preset)
            self._lookup.refresh()
        report: Row = {
            "name": preset.name,
            "exact": preset.exact,
            "stored": preset.exact,
            "notes": [[n.onset, n.duration, n.pitch] for n in heard.melody.notes],
            "length": heard.melody.length,
            "bars": bars(heard.melody),
            "bpm": heard.melody.bpm,
            "states": len(preset.links),
            "moved": heard.moved,
            "max_shift_ms": heard.max_shift_ms,
            "track": heard.part,
            "tracks": tracks,
            "why": heard.why,
            "notices": list(heard.notices),
            "difference": None if missed is None else {"wrong": missed.wrong, "notes": missed.notes,
                                                       "first": missed.first},
            "slot": given.slot,
            "part": given.part,
        }  # fmt: skip
        return report, _asked(given, preset, heard.melody)

    def _opened(self) -> Bank:
        """Return the bank with its model, as it is now on the disk."""
        from rnnae_live.presets import Bank

        if self._bank is None:
            self._bank = Bank.open(self._folder)
        self._bank.refresh()
        return self._bank


def _asked(given: Import, preset: Preset, melody: Melody) -> dict[str, Any]:
    """Return what the engine is asked for: the preset that was stored, or the melody that could not be."""
    from rnnae_live.hearing import plain

    if given.slot is None:
        return {}
    where = {"slot": given.slot, "part": given.part}
    if preset.exact:
        return {"preset": preset.name, **where}
    return {"melody": {"name": preset.name, **plain(melody)}, **where}


def _row(preset: Preset, *, own: bool) -> Row:
    """Return what is known of a preset without reading its file."""
    return {
        "id": preset.id,
        "name": preset.name,
        "program": None if preset.program is None else preset.program + 1,
        "bank": preset.bank + 1,
        "tags": list(preset.tags),
        "credit": preset.credit,
        "bpm": preset.bpm,
        "exact": preset.exact,
        "own": own,
        "count": preset.notes_count,
        "notes": [],
        "length": None,
        "bars": None,
        "pieces": [],
        "xy": None,
    }


def _content(preset: Preset) -> Row:
    """Return what a preset's file says of its melody."""
    melody = preset.melody
    notes = [[n.onset, n.duration, n.pitch] for n in melody.notes[:PREVIEW]]
    return {"notes": notes, "length": melody.length, "bars": bars(melody), "pieces": pieces(preset.chain)}


def pieces(chain: Chain) -> list[int]:
    """Return the ticks at which the pieces of a song begin that are mixed with those of others: not with its pickup."""
    begins = accumulate((link.length for link in chain[:-1]), initial=0)
    return [at for at, link in zip(begins, chain, strict=True) if len(chain) == 1 or not link.pickup]


def bars(melody: Melody) -> int:
    """Return how many bars a melody has, a pickup and an incomplete last one counted."""
    lines = melody.bars()
    return len(lines) - (lines[-1] >= melody.length > 0)


def mean_state(preset: Preset) -> NDArray[np.float64]:
    """Return the mean of a preset's states, h and c after one another, float64 (2 x layers x units,)."""
    states = [np.concatenate([link.state.h.ravel(), link.state.c.ravel()]) for link in preset.chain]
    return np.asarray(np.mean(np.asarray(states, np.float64), axis=0))


def places(states: Sequence[NDArray[np.float64]]) -> list[tuple[float, float]]:
    """Return a place x, y in 0-1 for each state, the nearer the more alike; the same for the same states."""
    if not states:
        return []
    points = np.asarray(states)
    points = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    plane = np.zeros((len(points), 2))
    for number, axis in enumerate(axes[:2]):
        # An axis has no direction of its own: its largest number is positive.
        plane[:, number] = points @ (axis * np.sign(axis[np.abs(axis).argmax()] or 1.0))
    low, high = plane.min(axis=0), plane.max(axis=0)
    spread = np.where(high - low > 1e-9, high - low, 1.0)
    middle = np.where(high - low > 1e-9, (plane - low) / spread, 0.5)
    return [(float(x), float(y)) for x, y in MARGIN + middle * (1 - 2 * MARGIN)]
