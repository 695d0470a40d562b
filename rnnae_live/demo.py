"""The demo: everything the instrument does, heard, seen and measured, without any MIDI device.

presets, engine, mixer -> [demo] -> .mid, .wav, .png

Three things are shown. *Recall*: the states of every stored song give its notes back. *Answer*: a phrase goes in at
the instrument's port, and the mix of its states with a song's comes out. *Morph*: five steps on the line between the
states of two songs. Every figure is measured in this run.

*Units*: seconds, ticks of 24 to the quarter note. *Source*: METHOD, composing, rows 6 and 7.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rnnae_live import midifile, pianoroll, synth
from rnnae_live.engine import Engine
from rnnae_live.errors import PresetError
from rnnae_live.melody import PPQ, Melody
from rnnae_live.mixer import Voice, compose, play
from rnnae_live.phrase import Metre, Note
from rnnae_live.pianoroll import ANSWER, FIRST, INPUT, SECOND, Colour, Panel, blend
from rnnae_live.presets import Bank, Preset
from rnnae_live.settings import PartSettings, Settings
from rnnae_live.stage import Stage, Take
from rnnae_live.state import Chain
from rnnae_live.voices import BankVoices

BPM = 112.0
"""Tempo of everything that the demo plays."""

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Weights of the second song in the morph."""

PIECES = 2
"""Pieces of two bars that a morph lasts."""

SHOWN_BARS = 4
"""Bars of the recalled song that are played."""

FOLLOW = 0.5
"""Weight of the phrase in its answer; the song has the rest."""

TAKES = 9
"""How often the phrase is played; its latency is the median, after a first take that warms the caches."""

_NOTE_LIST = (
    "62 36 96, 65 12 76, 69 24 84, 74 24 92, 72 36 96, 69 12 76, 70 48 88, "
    "67 36 94, 70 12 78, 69 24 84, 65 24 80, 64 36 92, 61 12 74, 62 36 88, 0 12 0"
)
"""The built-in phrase: pitch, ticks, velocity; pitch 0 is a rest. Written for this project."""


@dataclass(frozen=True, slots=True)
class Recall:
    """All stored songs decoded from their states: how many came back exactly, in ``seconds`` altogether."""

    songs: int
    exact_songs: int
    notes: int
    right_notes: int
    seconds: float
    shown: Preset
    melody: Melody


@dataclass(frozen=True, slots=True)
class Step:
    """One point of the morph: ``weight`` of the second song, and the share of time at which it sounds as a parent."""

    weight: float
    melody: Melody
    seconds: float
    like_first: float
    like_second: float


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that the demo found, made and measured."""

    bank: Bank
    load_seconds: float
    recall: Recall
    phrase: Melody
    partner: Preset
    take: Take
    worst_seconds: float
    """Latency of the slowest take; ``take`` is the one in the middle."""
    first: Preset
    second: Preset
    morph: tuple[Step, ...]


def run(seed: int = 0, bank: Path | None = None) -> Result:
    """Return what the demo shows; ``seed`` chooses the songs, and the same seed gives the same music.

    Raises:
        ModelError: the bank is missing or damaged.
        PresetError: it has no song that the demo can use.
    """
    began = time.perf_counter()
    opened = Bank.open(bank)
    loaded = time.perf_counter() - began
    phrase = built_in_phrase()
    stored = [preset for preset in opened.presets if preset.model_id == opened.model.model_id]
    songs = [preset for preset in stored if _fits(preset)]
    if len(songs) < 2:
        raise PresetError(f"The bank in {opened.folder} has {len(songs)} songs in 4/4; the demo needs two.")
    shown, partner, first, second = _choose(songs, random.Random(seed))
    recall = _recall(opened, stored, shown)
    takes = _answers(opened, phrase, partner)
    morph = _morph(opened, first, second)
    middle = takes[len(takes) // 2]
    return Result(opened, loaded, recall, phrase, partner, middle, takes[-1].seconds, first, second, morph)


def built_in_phrase() -> Melody:
    """Return the phrase that the demo plays: four bars of 4/4."""
    notes, here = [], 0
    for item in _NOTE_LIST.split(","):
        pitch, ticks, velocity = (int(word) for word in item.split())
        if pitch:
            notes.append(Note(here, ticks, pitch, velocity))
        here += ticks
    return Melody(tuple(notes), here, bpm=BPM)


def write(result: Result, folder: Path) -> tuple[Path, Path, Path]:
    """Write demo.mid, demo.wav and demo.png into ``folder`` and return their paths.

    Raises:
        MidiFileError: the MIDI file cannot be written.
        OSError: the folder or one of the others cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mid, wav, png = (folder / f"demo.{kind}" for kind in ("mid", "wav", "png"))
    played = _programme(result)
    length = max(melody.length for _, _, melody in played)
    tracks: dict[str, Melody] = {}
    for name, _, melody in played:
        before = tracks[name].notes if name in tracks else ()
        tracks[name] = Melody((*before, *melody.notes), length, bpm=BPM)
    midifile.write(mid, tracks)
    pans = {"input": -0.35, "answer": 0.35, "morph": 0.0}
    synth.write(wav, synth.render([synth.Voice(melody, timbre, pans[timbre]) for _, timbre, melody in played]))
    pianoroll.write(png, panels(result), "rnnae-live", "A phrase, its answer, and a morph between two songs")
    return mid, wav, png


def panels(result: Result) -> list[Panel]:
    """Return the pictures of phrase, answer and morph."""
    milliseconds = result.take.seconds * 1000
    mix = f"{FOLLOW:.0%} phrase, {1 - FOLLOW:.0%} {result.partner.name}"
    drawn = [
        Panel("You play", result.phrase, INPUT, f"{len(result.phrase.notes)} notes, {BPM:.0f} bpm"),
        Panel("It answers", result.take.melody, ANSWER, f"{mix}\n{milliseconds:.1f} ms after the phrase"),
    ]
    for step in result.morph:
        share = f"same notes: {step.like_first:.0%} / {step.like_second:.0%}"
        drawn.append(Panel(step_title(result, step), step.melody, step_colour(step), share))
    return drawn


def step_title(result: Result, step: Step) -> str:
    """Return what a step is called: a song's name at the ends, the mix between them."""
    if step.weight in (0.0, 1.0):
        return result.second.name if step.weight else result.first.name
    return f"{1 - step.weight:.0%} / {step.weight:.0%}"


def step_colour(step: Step) -> Colour:
    """Return the colour of a step, between those of the parents."""
    return blend(FIRST, SECOND, step.weight)


def alike(one: Melody, other: Melody) -> float:
    """Return the share of sixteenths, 0-1, at which both melodies sound the same pitch or both rest."""
    slots = range(0, max(one.length, other.length, 1), PPQ // 4)
    return sum(_sounding(one, at) == _sounding(other, at) for at in slots) / len(slots)


def _recall(bank: Bank, stored: Sequence[Preset], shown: Preset) -> Recall:
    began = time.perf_counter()
    checked = list(bank.check(stored))
    seconds = time.perf_counter() - began
    notes = sum(len(preset.notes) for preset, _ in checked)
    wrong = sum(found.wrong for _, found in checked if found)
    exact = sum(found is None for _, found in checked)
    melody = play(bank.model, shown.chain, bpm=shown.bpm)
    return Recall(len(checked), exact, notes, notes - wrong, seconds, shown, melody)


def _answers(bank: Bank, phrase: Melody, partner: Preset) -> list[Take]:
    """Return the takes of the phrase, the quickest first."""
    part = PartSettings(presets=((partner.name, 1 - FOLLOW),), values={"follow": FOLLOW})
    engine = Engine(BankVoices(bank), Settings(BPM, parts=(part,)))
    stage = Stage(engine)
    try:
        stage.play(phrase)
        return sorted((stage.play(phrase) for _ in range(TAKES)), key=lambda take: take.seconds)
    finally:
        stage.close()


def _morph(bank: Bank, first: Preset, second: Preset) -> tuple[Step, ...]:
    one, other = _excerpt(first.chain), _excerpt(second.chain)
    parents = [play(bank.model, chain, bpm=BPM) for chain in (one, other)]
    steps = []
    for weight in STEPS:
        began = time.perf_counter()
        melody = compose(bank.model, [Voice(one, 1 - weight), Voice(other, weight)], bpm=BPM)
        seconds = time.perf_counter() - began
        steps.append(Step(weight, melody, seconds, *(alike(melody, parent) for parent in parents)))
    return tuple(steps)


def _excerpt(chain: Chain) -> Chain:
    """Return the first pieces of a song, without its pickup."""
    return tuple(link for link in chain if not link.pickup)[:PIECES]


def _fits(preset: Preset) -> bool:
    """Return whether a song is in 4/4 throughout and long enough for a morph."""
    return all(tuple(metre)[1:] == (4, 4) for metre in preset.metres) and len(_excerpt(preset.chain)) == PIECES


def _choose(songs: Sequence[Preset], dice: random.Random) -> tuple[Preset, Preset, Preset, Preset]:
    """Return the song to recall, the one that answers, and the two to morph between, different where possible."""
    drawn = dice.sample(songs, min(4, len(songs)))
    while len(drawn) < 4:
        drawn.append(drawn[len(drawn) - 2])
    return drawn[0], drawn[1], drawn[2], drawn[3]


def _programme(result: Result) -> list[tuple[str, str, Melody]]:
    """Return name, timbre and melody of all that is played, each moved to its time, a bar of rest between."""
    recalled = result.recall.melody
    shown = recalled.slice(recalled.pickup, min(recalled.length, recalled.pickup + SHOWN_BARS * 4 * PPQ))
    items = [("Phrase", "input", result.phrase), ("Answer", "answer", result.take.melody)]
    items.append((f"Recall: {result.recall.shown.name}", "answer", shown))
    items += [("Morph", "morph", step.melody) for step in result.morph]
    played, here = [], 0
    for name, timbre, melody in items:
        bars = -(-melody.length // (4 * PPQ))
        notes = tuple(replace(note, onset=note.onset + here) for note in melody.notes)
        played.append((name, timbre, Melody(notes, here + melody.length, (Metre(0),), bpm=BPM)))
        here += (bars + 1) * 4 * PPQ
    return played


def _sounding(melody: Melody, tick: int) -> int | None:
    """Return the pitch that sounds at a tick, None for rest."""
    return next((note.pitch for note in melody.notes if note.onset <= tick < note.end), None)
