"""Scales: names to the pitch classes that a melody may use.

control, cli -> [scale] -> decoder

*Units*: pitch classes 0-11, C is 0; a root may be given as any MIDI pitch, of which only the class counts.
*Errors*: ``ConfigError`` for a name that no scale has.
"""

from __future__ import annotations

import difflib
from types import MappingProxyType

from rnnae_live.errors import ConfigError

PitchClasses = frozenset[int]
"""Pitch classes 0-11."""

EVERY: PitchClasses = frozenset(range(12))
"""All pitch classes: no lock at all."""

OFF = "off"
"""The name of no scale at all: every pitch is allowed."""

SCALES = MappingProxyType(
    {
        OFF: (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
        "major": (0, 2, 4, 5, 7, 9, 11),
        "minor": (0, 2, 3, 5, 7, 8, 10),
        "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
        "melodic minor": (0, 2, 3, 5, 7, 9, 11),
        "dorian": (0, 2, 3, 5, 7, 9, 10),
        "phrygian": (0, 1, 3, 5, 7, 8, 10),
        "lydian": (0, 2, 4, 6, 7, 9, 11),
        "mixolydian": (0, 2, 4, 5, 7, 9, 10),
        "locrian": (0, 1, 3, 5, 6, 8, 10),
        "pentatonic major": (0, 2, 4, 7, 9),
        "pentatonic minor": (0, 3, 5, 7, 10),
        "blues": (0, 3, 5, 6, 7, 10),
        "whole tone": (0, 2, 4, 6, 8, 10),
        "diminished": (0, 2, 3, 5, 6, 8, 9, 11),
        "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),
        "hungarian minor": (0, 2, 3, 6, 7, 8, 11),
    }
)
"""The notes of each scale in semitones above its root; the order is that of a selector."""

ALIASES = MappingProxyType({"chromatic": OFF, "none": OFF, "natural minor": "minor", "aeolian": "minor"})
"""Other names that players use."""


def pitch_classes(name: str, root: int = 0) -> PitchClasses | None:
    """Return the pitch classes of a scale on ``root``, None where every pitch is allowed.

    Args:
        name: one of ``SCALES`` or ``ALIASES``; upper case, hyphens and underscores do not matter.
        root: its first note, a pitch class or any MIDI pitch.

    Raises:
        ConfigError: there is no such scale.
    """
    wanted = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
    wanted = ALIASES.get(wanted, wanted)
    if wanted not in SCALES:
        near = difflib.get_close_matches(wanted, [*SCALES, *ALIASES], n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(SCALES)}."
        raise ConfigError(f"There is no scale called '{name}'; {hint}")
    return None if wanted == OFF else frozenset((root + step) % 12 for step in SCALES[wanted])
