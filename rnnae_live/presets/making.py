"""Melodies and mixes to presets, exact or said to be not.

melody -> mixer, refine -> [making] -> library

*Errors*: ``PresetError``; ``ModelError`` where a state is damaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnae_live.errors import PresetError
from rnnae_live.library import Preset, Record, clean_name
from rnnae_live.library.names import identity
from rnnae_live.library.record import link_record
from rnnae_live.melody import Melody, difference
from rnnae_live.mixer import Voice, play
from rnnae_live.mixer import blend as mean
from rnnae_live.model import Model
from rnnae_live.refine import Refinement, refine
from rnnae_live.state import Chain


def make(model: Model, melody: Melody, name: str, *, program: int | None = None, credit: str = "") -> Preset:
    """Return the preset of a melody, its states refined until the decoder returns it, as far as that goes.

    Raises:
        PresetError: the melody has no notes, or the name is empty.
    """
    refinement = Refinement(model, melody)
    # A melody without notes is refused below.
    while melody.notes and not refinement.step():
        pass
    chain, steps = refinement.chain, refinement.steps
    return keep(model, melody, name, chain, steps=steps, program=program, credit=credit)


def keep(
    model: Model,
    melody: Melody,
    name: str,
    chain: Chain,
    *,
    steps: int = 0,
    program: int | None = None,
    credit: str = "",
) -> Preset:
    """Return the preset of a melody with a chain made for it, ``exact`` where the chain returns the melody.

    Raises:
        PresetError: the melody has no notes, or the name is empty.
    """
    name = clean_name(name)
    if not melody.notes:
        raise PresetError(f"{name!r} has no notes to store; play or give a melody.")
    notes = [(n.onset, n.duration, n.pitch, n.velocity) for n in melody.notes]
    record = Record(
        id=identity(name, notes),
        name=name,
        program=program,
        credit=credit,
        model_id=model.model_id,
        exact=difference(melody, play(model, chain)) is None,
        refine_steps=steps,
        bpm=melody.bpm,
        length=melody.length,
        pickup=melody.pickup,
        metres=[(m.onset, m.numerator, m.denominator) for m in melody.metres],
        notes=notes,
        links=[link_record(link) for link in chain],
    )
    return Preset.of(record)


def blend(model: Model, parents: Sequence[tuple[Preset, float]], name: str, *, credit: str = "") -> Preset:
    """Return the mean of presets as a preset: the melody of the mix, with states that return it.

    The melody is what ``mixer.compose`` makes of them, at the tempo of the heaviest. The states are the mean itself
    where the decoder alone returns that melody, else they are refined from there; only where that leads nowhere they
    are the encoder's. A preset does not lean as a mix does: each piece is one state from its beginning to its end.

    Args:
        model: with which all were made.
        parents: presets and their weights, of which one at least is above 0.
        name: of the new preset.
        credit: in front of whose songs it is made of.

    Raises:
        PresetError: no weight is above 0, or the mean has no note.
    """
    heard = [(preset, weight) for preset, weight in parents if weight > 0]
    if not heard:
        raise PresetError("A blend needs a preset with a weight above 0: A=0.5 B=0.5.")
    voices = [Voice(preset.chain, weight) for preset, weight in heard]
    chain = mean(voices)
    bpm = max(heard, key=lambda one: one[1])[0].bpm
    melody = play(model, chain, bpm=bpm, within=len(voices) > 1)
    chain = tuple(replace(link, ends=None) for link in chain)
    total = sum(weight for _, weight in heard)
    shares = " + ".join(f"{weight / total:.0%} {preset.name}" for preset, weight in heard)
    told = f"{credit}; {shares}" if credit else shares
    made = keep(model, melody, name, chain, credit=told)
    if made.exact:
        return made
    refined, steps = _refined(model, chain, melody)
    made = keep(model, melody, name, refined, steps=steps, credit=told)
    return made if made.exact else make(model, melody, name, credit=told)


def _refined(model: Model, chain: Chain, melody: Melody) -> tuple[Chain, int]:
    """Return a chain of other states, as near as can be, from which the decoder says the melody; and the steps."""
    start, links, phrases = 0, [], []
    for link in chain:
        tokens, octaves = model.vocabulary.encode(melody.slice(start, start + link.length))
        links.append(replace(link, octaves=octaves))
        phrases.append(tokens)
        start += link.length
    states, steps = refine(model, [link.state for link in links], phrases)
    return tuple(replace(link, state=state) for link, state in zip(links, states, strict=True)), steps
