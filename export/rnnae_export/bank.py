"""A bank from a finished run: the bundle, its figures, the model card and the songs.

convert, directions, evaluate -> [bank] -> rnnae_live.presets
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rnnae_export.convert import PARITY_PHRASES, export
from rnnae_export.corpus import files, windows
from rnnae_export.directions import find
from rnnae_export.evaluate import Report, evaluate
from rnnae_export.mixing import Trial
from rnnae_export.network import AutoEncoder
from rnnae_export.report import text
from rnnae_export.train import Settings
from rnnae_live.errors import MidiFileError, ModelError, PresetError
from rnnae_live.files import write_whole
from rnnae_live.melody import Melody
from rnnae_live.presets import SONGS, Bank, Preset, make
from rnnae_live.song import read_song
from rnnae_live.tokens import Vocabulary

CARD = "MODEL_CARD.md"
PROGRAMS = 128
"""Programs that MIDI can choose from."""


class Title(msgspec.Struct, frozen=True):
    """A song to store: its file, and what is known of it."""

    midi: str
    title: str
    composer: str = ""


def build_bank(
    run: Path,
    bank: Path,
    *,
    phrases: Sequence[Melody],
    valid: dict[str, Melody],
    training: dict[str, Any],
    licence: str,
    lessons: Mapping[str, Melody] | None = None,
) -> Report:
    """Export a run into the folder ``bank`` and write its manifest with figures on ``valid`` and its model card.

    Args:
        run: the run folder.
        bank: where the bank is written.
        phrases: songs by which parity is proved and the knobs are found.
        valid: songs to measure with.
        training: facts for the manifest.
        licence: of the weights.
        lessons: songs from which a judge of mixtures learns; None to leave mixing unmeasured.

    Raises:
        ModelError: the run is not finished, or the export does not agree with TensorFlow.
    """
    settings = read_settings(run)
    net = AutoEncoder(Vocabulary(), settings.units, settings.seed, settings.order)
    try:
        with np.load(run / "weights.npz") as weights:
            net.load(dict(weights))
    except OSError as error:
        raise ModelError(f"{run} holds no finished training; run `rnnae-live train` with its --name again.") from error
    pieces = pick_phrases(phrases)
    facts: dict[str, Any] = {"name": run.name, "licence": licence}
    facts["training"] = {**training, **msgspec.to_builtins(settings)}
    model = export(bank, net, settings, pieces, facts)
    knobs = msgspec.structs.asdict(find(model, pieces))
    model.manifest = msgspec.structs.replace(model.manifest, **knobs)
    facts |= knobs
    trial = None if lessons is None else Trial()
    report = evaluate(model, valid, trial=trial, judge_songs=lessons, judge_source="the songs that the model learned")
    if training.get("measured") == "learned":
        told = [*report.notices, "These songs were learned; on unseen ones the figures would be lower."]
        report = msgspec.structs.replace(report, notices=told)
    facts["metrics"] = msgspec.to_builtins(report)
    export(bank, net, settings, pieces, facts)
    write_whole(bank / CARD, model_card(facts, report).encode())
    return report


def read_settings(run: Path) -> Settings:
    """Return the settings of a run.

    Raises:
        ModelError: the folder is no run.
    """
    try:
        return msgspec.json.decode((run / "run.json").read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise ModelError(
            f"{run} is no training run ({error}); give the folder that `rnnae-live train` made."
        ) from error


def pick_phrases(melodies: Sequence[Melody], seed: int = 0) -> list[Melody]:
    """Return windows of two bars for the parity check, a thousand where there are so many, mixed by ``seed``."""
    pieces = [window for melody in melodies for window in windows(melody, 2, 2)]
    random.Random(seed).shuffle(pieces)
    return pieces[:PARITY_PHRASES]


def store_songs(folder: Path, songs: Iterable[tuple[bytes, Title]]) -> list[Preset]:
    """Store songs as presets of the bank in ``folder``, programs numbered from 0 in their order; earlier ones go.

    Returns:
        The presets of all songs that can be read; those that do not come back note for note are not stored.
    """
    for old in (folder / SONGS).glob("*.json"):
        old.unlink()
    bank = Bank.open(folder)
    made: list[Preset] = []
    for data, title in songs:
        try:
            melody = read_song(data).melody
        except MidiFileError:
            continue  # The reason was told when the song was to be learned.
        number = len(bank.presets)
        program = number if number < PROGRAMS else None
        made.append(make(bank.model, melody, title.title, program=program, credit=title.composer))
        if made[-1].exact:
            bank.save(made[-1])
    return made


def list_songs(source: Path) -> Iterator[tuple[bytes, Title]]:
    """Yield the songs of a folder or zip file by file name, or of a JSON list of ``{midi, title, composer}``.

    Raises:
        PresetError: the list, or a file that it names, cannot be read.
        MidiFileError: the source does not exist.
    """
    if source.suffix == ".json":
        try:
            for title in msgspec.json.decode(source.read_bytes(), type=list[Title]):
                yield (source.parent / title.midi).read_bytes(), title
        except (OSError, msgspec.DecodeError, ValueError) as error:
            raise PresetError(f"{source} is no list of songs ({error}).") from error
        return
    for name, data in files([source]):
        yield data, Title(name, Path(name).stem.replace("_", " ").strip())


def model_card(facts: dict[str, Any], report: Report) -> str:
    """Return the model card in Markdown."""
    training = facts["training"]
    figures = text(report, "Figures").replace("\n## ", "\n### ").replace("# Figures", "## Figures", 1)
    start = f"Training began with the model {training['start']}.\n\n" if training["start"] else ""
    return f"""# Model card: {facts["name"]}

An LSTM auto-encoder of melodies: one-hot notes, rests and durations on a grid of 24 ticks to the quarter note, each at
its place (beat and tick), an encoder and a decoder of {training["units"]} hidden units each, the melody given back in
{training["order"]} order. One state vector (h and c) carries a piece of two bars; a song is a chain of them. The
decoder has also learned what to say from the weighted mean of two to four states: a hybrid of their phrases.

## Data

{training.get("data") or "The songs of its owner."}

{training["songs"]:,} songs were read and {training["dropped"]:,} left out; {training["pieces"]:,} different windows of
{", ".join(map(str, training["bars"]))} bars, transposed by up to {training["transpose"]} semitones.

## Training

{start}{training["notes"]:g} million notes, batches of {training["batch"]} phrases and half as many hybrids, Adam with a
peak rate of {training["learning_rate"]}, noise {training["noise"]} on the state, {training["drop"]:.0%} of the tokens
hidden from the decoder and weight {training["mix"]:g} for hybrids until the last third, L2 {training["l2"]} on the cell
state, seed {training["seed"]}; {training["seconds"]:.0f} s of wall time on {training["cores"]} cores.

{figures}
## Limits

One voice. Western metres. Pitches outside five octaves are moved by octaves and back. Two bars are carried well by one
state, four partly. Mixtures are taught to put parts of their parents together; they do not develop a theme. Attribute
knobs find what they are asked for near the phrase, and lose much of it at their ends.

Licence of the weights: {facts["licence"] or "its owner's"}.
"""
