"""Another bank in mid-performance: whatever holds states of one model gets those of the other.

voices of the new bank -> [exchange] -> parts

What sounds goes on: a piece that plays is notes already, and the next one is asked of the new bank. So the change is
heard at a phrase boundary, or where a knob is turned before.

*Threading*: one thread. *Errors*: ``PresetError`` before anything has changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rnnae_live.control import SLOTS, weight_name
from rnnae_live.errors import PresetError
from rnnae_live.hearing import Heard
from rnnae_live.part import Part
from rnnae_live.slots import Slot, slot_of
from rnnae_live.voices import Voices


def exchange(parts: Iterable[Part], voices: Voices) -> None:
    """Let parts play with another bank from their next piece on.

    A preset is taken by its name; a place whose preset is not in the new bank becomes empty. Phrases are encoded again,
    captured ones made exact again in spare moments.

    Raises:
        PresetError: the bank has not all presets that are heard; every part then plays as before.
    """
    made = [(part, _places(part, voices), _heard(part, voices)) for part in parts]
    for part, places, heard in made:
        part.voices = voices
        part.slots.exchange(voices, places)
        part.keeping.exchange(voices)
        part.desk.exchange(voices, heard)


def _places(part: Part, voices: Voices) -> list[Slot | None]:
    """Return what is in the slots of a part, as the new bank has it."""
    songs = {song.name: song for song in voices.songs}
    places: list[Slot | None] = [None] * SLOTS
    for number, slot in part.slots:
        if slot.melody is not None:
            places[number - 1] = replace(slot, chain=voices.encode(slot.melody))
        elif slot.name in songs:
            places[number - 1] = slot_of(songs[slot.name])
        elif part.desk.values[weight_name(number)] > 0:
            raise PresetError(f"It has no preset called '{slot.name}', which is in the mix.")
    return places


def _heard(part: Part, voices: Voices) -> Heard | None:
    """Return the last phrase of a part with states of the new bank."""
    heard = part.desk.heard
    return None if heard is None else replace(heard, chain=voices.encode(heard.melody))
