"""What a run learns from, and what it is measured with: songs divided into shards and songs kept back.

corpus -> [material] -> shards, train, bank

Songs are divided as they are read, so the memory that this takes does not grow with the corpus: all but those kept
back go straight into the shards. What was kept back lies in the run folder beside them, and a run that is started
again reads neither twice.

*Errors*: ``RnnaeError`` where there is nothing to learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from rnnae_export.bridges import Bridges
from rnnae_export.corpus import Read, fingerprint, no_melody, read_corpus, songs, windows
from rnnae_export.mixtures import Spelled, group
from rnnae_export.network import Batch
from rnnae_export.shards import Index, Recipe, await_shards, gather, write_shards
from rnnae_export.train import SHARDS, Settings, worker
from rnnae_live.files import write_whole
from rnnae_live.melody import Melody
from rnnae_live.tokens import Vocabulary

HELD = "held.json"

HELD_OUT = 20
"""Without songs to measure with, every twentieth song is kept back; of fewer songs none is."""

MOST_HELD = 1000
"""Songs that are kept back at most: enough to measure with, whatever the size of the corpus."""

MEASURED = 2000
"""Phrases by which the loss on unseen songs is logged."""


@dataclass(frozen=True, slots=True)
class Material:
    """The index of the shards, and the songs that are not in them, by name."""

    index: Index
    held: dict[str, Melody]

    def measured(self, order: str) -> list[Batch]:
        """Return groups of phrases of two bars of the songs kept back, for the log of a run."""
        vocabulary, rng, bridges = Vocabulary(), np.random.default_rng(0), Bridges()
        spelled: dict[int, list[Spelled]] = {}
        for window in (w for melody in self.held.values() for w in windows(melody, 2, 2)):
            spelled.setdefault(window.length, []).append(vocabulary.encode(window)[0].astype(np.int16))
        for tokens in (one for phrases in spelled.values() for one in phrases):
            bridges.learn(tokens)
        total = sum(map(len, spelled.values()))
        share = min(1.0, MEASURED / max(1, total))
        some = [phrases[: max(1, round(share * len(phrases)))] for phrases in spelled.values()]
        return gather((one for phrases in some for one in group(phrases, vocabulary, rng, bridges)), order)


def divide(
    run: Path,
    sources: Sequence[Path],
    settings: Settings,
    *,
    valid: Path | None = None,
    leave_out: Sequence[str] = (),
    beside: Iterable[tuple[str, Melody]] = (),
) -> Material:
    """Return the material of a run, made in its folder or found there.

    Args:
        run: the run folder.
        sources: folders and zip files of MIDI files.
        settings: of the run.
        valid: songs to measure with; without them some of the sources are kept back.
        leave_out: parts of the names of songs that are not to be learned.
        beside: melodies that are learned as well, such as those of the bank that the run begins with.

    Raises:
        MidiFileError: a source does not exist, or has no song that can be read.
        RnnaeError: the songs have no window to learn from.
    """
    extra = list(beside)
    recipe = Recipe(settings.bars, move=settings.transpose > 0, seed=settings.seed)
    places = [*sources, *([valid] if valid else [])]
    known = fingerprint(places, recipe, list(leave_out), [name for name, _ in extra])

    def reading() -> Iterator[Read]:
        held = read_corpus([valid]).melodies if valid else {}
        yield from _kept_back(songs(sources, leave_out=leave_out), held, 0 if valid else MOST_HELD)
        yield from ((name, melody, "") for name, melody in extra)
        write_whole(run / HELD, msgspec.json.encode(held))

    shards = run / SHARDS
    index = await_shards(shards, known) if worker() else write_shards(shards, reading(), recipe, known)
    if index.songs <= len(extra):
        raise no_melody(sources)
    return Material(index, msgspec.json.decode((run / HELD).read_bytes(), type=dict[str, Melody]))


def _kept_back(read: Iterable[Read], held: dict[str, Melody], most: int) -> Iterator[Read]:
    """Yield what is read, but put every ``HELD_OUT``-th melody into ``held``, ``most`` at most."""
    count = 0
    for name, melody, fault in read:
        count += melody is not None
        if melody is not None and count % HELD_OUT == 0 and len(held) < most:
            held[name] = melody
        else:
            yield name, melody, fault
