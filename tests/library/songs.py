"""Presets without a model: what is stored, found and changed is the same, whatever the states say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rnnae_live.library import SONGS, Library, Preset, Record
from rnnae_live.library.names import identity
from rnnae_live.library.record import link_record
from rnnae_live.phrase import Metre
from rnnae_live.state import Link, State

MODEL = "0123456789abcdef"


def song(name: str, seed: int = 0, **fields: Any) -> Preset:  # noqa: ANN401 - the types are those of the record
    """Return a preset of 8 notes that no other seed has."""
    rng = np.random.default_rng(seed)
    notes = [(at * 24, 24, int(rng.integers(40, 90)), 80) for at in range(8)]
    state = State(*(rng.standard_normal((2, 1, 8)).astype(np.float32) / 9))
    facts: dict[str, Any] = {
        "id": identity(name, notes),
        "name": name,
        "model_id": MODEL,
        "exact": True,
        "refine_steps": 0,
        "bpm": 120.0,
        "length": 192,
        "pickup": 0,
        "metres": [(0, 4, 4)],
        "notes": notes,
        "links": [link_record(Link(state, 192, Metre(0)))],
    }
    return Preset.of(Record(**{**facts, **fields}))


def library(folder: Path, *presets: Preset) -> Library:
    """Return the library in a folder, in which presets were saved."""
    found = Library(folder, folder / SONGS, MODEL)
    found.refresh()
    for preset in presets:
        found.save(preset)
    return found
