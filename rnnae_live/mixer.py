"""The mixer: songs and phrases to chains of states, weighted means of chains to melodies.

melody -> tokens -> model -> [mixer] -> decoder -> melody

The mix of several chains is taken position by position, piece by piece of two bars; a shorter chain begins again.
What a state does not say (length, metre, octave) follows the heaviest voice of the position, and a mix keeps to the
pitches between the lowest and the highest of its voices: the mean of two states may point to octaves that neither song
has. A pickup belongs to one song alone: in a mix of several the chains begin at their first whole bar.

A mix leans: it begins nearer to its higher voices and ends nearer to its lower ones, as the hybrids do that the model
was taught (the mean over the whole piece is the plain one). What is heard is then more of both parents, and less of
neither.

*Units*: ticks, 24 to the quarter note. *Source*: METHOD, composing: the mean of n songs' states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from rnnae_live.decoder import Dice, Steppers, allowed, decode
from rnnae_live.melody import PPQ, Melody, join
from rnnae_live.model import Model
from rnnae_live.phrase import Metre
from rnnae_live.scale import PitchClasses
from rnnae_live.state import Chain, Link, mix
from rnnae_live.steering import steer
from rnnae_live.tokens import FIRST_PITCH, Tokens

LEAN = 0.75
"""How much a mix leans, 0 for not at all; at 1 the highest voice alone would begin and the lowest end."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A chain and its weight in the mix, 0 or more."""

    chain: Chain
    weight: float = 1.0


def links(model: Model, pieces: Sequence[Melody]) -> Chain:
    """Return the chain of pieces as the encoder has it, one link a piece."""
    return tuple(each_link(model, pieces))


def each_link(model: Model, pieces: Sequence[Melody]) -> Iterator[Link]:
    """Yield the links of pieces, for whom all at once take too long."""
    for at, piece in enumerate(pieces):
        tokens, octaves = model.vocabulary.encode(piece)
        metre = piece.metres[0]
        pickup = at == 0 and len(pieces) > 1 and piece.length < metre.bar(PPQ)
        pitches = tokens[tokens[:, 0] >= FIRST_PITCH, 0]
        span = (int(pitches.min()), int(pitches.max())) if len(pitches) else None
        yield Link(model.encode(tokens), piece.length, metre, octaves, pickup, span)


def encode(model: Model, melody: Melody) -> Chain:
    """Return the states of a melody of 1 tick or more, one for each piece of two bars."""
    return links(model, melody.cut())


def play(
    model: Model,
    chain: Chain,
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | None = None,
    bpm: float = 120.0,
    within: bool = False,
) -> Melody:
    """Return the melody of a chain of one link or more; with a preset's chain at temperature 0, the song itself.

    ``within`` keeps every piece inside the span of its link; without it the state alone decides. A piece whose link
    has a span has one note at least, whatever the state.
    """
    spelled = decode(model, chain, temperature=temperature, rng=rng, spans=allowed(model, chain, within=within))
    return replace(spoken(model, chain, spelled), bpm=bpm)


def compose(
    model: Model,
    voices: Sequence[Voice],
    *,
    temperature: float = 0.0,
    rng: np.random.Generator | None = None,
    pieces: int | None = None,
    bpm: float = 120.0,
    knobs: Mapping[str, float] | None = None,
) -> Melody:
    """Return the melody of the weighted mean of voices; it always fills its bars.

    Args:
        model: with which all chains were made.
        voices: of which one weight at least is above 0; voices of weight 0 are silent.
        temperature: 0 for the likeliest melody, up to 2.
        rng: the dice of temperatures above 0.
        pieces: how many pieces of two bars; by default as many as the longest voice has.
        bpm: tempo that the melody is given.
        knobs: attributes by name, each -2 to 2, to which the mix is steered; 0 leaves it as it is.

    Raises:
        ModelError: no voice has a weight above 0.
        ConfigError: the bank has no such knob, or it cannot stand there.
    """
    several = len(_heard(voices)) > 1
    chain = steer(model, blend(voices, pieces), knobs or {}, within=several)
    return play(model, chain, temperature=temperature, rng=rng, bpm=bpm, within=several)


def pieces(
    model: Model,
    mixes: Sequence[Sequence[Voice]],
    at: int,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    scale: PitchClasses | None = None,
    tie: int | None = None,
    steppers: Steppers | None = None,
) -> list[Melody]:
    """Return for each mix the melody of its piece ``at``, as it stands in what ``compose`` returns; all in one batch.

    Args:
        model: with which all chains were made.
        mixes: of each of which one weight at least is above 0.
        at: the piece, 0 or more; behind the end of a chain it begins again.
        temperature: 0 for the likeliest melody, up to 2.
        seed: of the dice, 0 or more: with the same one the same piece of the same mix is always the same melody, and
            mixes that are alike have melodies that are.
        scale: pitch classes that notes may have, None for all.
        tie: the pitch that sounds until the piece begins, None for silence. A piece that begins by holding it is
            ``tied``; where there is none, or it is not in the scale, it begins with a rest instead.
        steppers: gives those of the model, where they are kept from call to call.

    Raises:
        ModelError: no voice of a mix has a weight above 0.
    """
    heard = [_heard(voices) for voices in mixes]
    chain = [_position(voices, at) for voices in heard]
    spans = [allowed(model, (link,), within=len(voices) > 1)[0] for link, voices in zip(chain, heard, strict=True)]
    dice = _dice(model, seed, at) if temperature > 0 else None
    spelled = decode(model, chain, temperature=temperature, rng=dice, spans=spans, scale=scale, steppers=steppers)
    held = None if tie is None or (scale and tie % 12 not in scale) else tie
    return [_piece(model, link, tokens, held) for link, tokens in zip(chain, spelled, strict=True)]


@lru_cache(maxsize=32)
def _dice(model: Model, seed: int, at: int) -> Dice:
    # Kept, because a moving knob decodes the same piece again and again.
    return Dice(model, (seed, at))


def blend(voices: Sequence[Voice], pieces: int | None = None) -> Chain:
    """Return the chain of the weighted mean of voices, as ``compose`` decodes it.

    Raises:
        ModelError: no voice has a weight above 0.
    """
    heard = _heard(voices)
    return tuple(_position(heard, at) for at in range(pieces or length(voices) or 1))


def length(voices: Sequence[Voice]) -> int:
    """Return how many pieces the longest voice of a mix has, 0 where no voice is heard."""
    return max((len(voice.chain) for voice in _heard(voices)), default=0)


def _heard(voices: Sequence[Voice]) -> list[Voice]:
    """Return the voices that sound; several begin together, at their first whole bar."""
    heard = [voice for voice in voices if voice.weight > 0 and voice.chain]
    if len(heard) > 1:
        heard = [replace(voice, chain=_whole_bars(voice.chain)) for voice in heard]
    return heard


def _position(voices: Sequence[Voice], at: int) -> Link:
    here = [voice.chain[at % len(voice.chain)] for voice in voices]
    weights = [voice.weight for voice in voices]
    states = [link.state for link in here]
    state = mix(states, weights)
    lead = here[int(np.argmax(weights))]
    if len(here) == 1:
        return lead
    spans = [link.span for link in here if link.span]
    if len(spans) < len(here):
        return replace(lead, state=state, span=None)
    span = (min(low for low, _ in spans), max(high for _, high in spans))
    begin, end = _leaning(spans, weights)
    return replace(lead, state=state, span=span, ends=(mix(states, begin), mix(states, end)))


def _leaning(spans: Sequence[tuple[int, int]], weights: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the weights with which a mix begins and with which it ends; the mean of both are the weights.

    Voices stand in a row, the highest first, each as wide as its weight: where its middle lies says how it leans.
    """
    order = sorted(range(len(spans)), key=lambda at: (-sum(spans[at]), -spans[at][1]))
    whole, before = sum(weights), 0.0
    begin, end = list(weights), list(weights)
    for at in order:
        lean = LEAN * (2.0 * (before + weights[at] / 2.0) / whole - 1.0)
        before += weights[at]
        begin[at], end[at] = weights[at] * (1.0 - lean), weights[at] * (1.0 + lean)
    return begin, end


def _whole_bars(chain: Chain) -> Chain:
    return chain[1:] if len(chain) > 1 and chain[0].pickup else chain


def spoken(model: Model, chain: Chain, spelled: Sequence[Tokens]) -> Melody:
    """Return the melody of the tokens that were decoded for each link of a chain of one or more."""
    said: list[Melody] = []
    tie: int | None = None
    for link, tokens in zip(chain, spelled, strict=True):
        said.append(_piece(model, link, tokens, tie))
        tie = said[-1].sounding
    whole = join(said)
    return replace(whole, pickup=chain[0].length if chain[0].pickup else 0, tied=False)


def _piece(model: Model, link: Link, tokens: Tokens, tie: int | None) -> Melody:
    metre = Metre(0, link.metre.numerator, link.metre.denominator)
    said = model.vocabulary.decode(tokens, octaves=link.octaves, tie=tie)
    return replace(said, metres=(metre,), pickup=link.length if link.pickup else 0)
