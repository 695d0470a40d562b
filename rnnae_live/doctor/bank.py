"""The bank: does the model open and play its golden phrase, and are the presets whole and its own.

presets, model -> [bank] -> findings
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rnnae_live.doctor.findings import Finding, Mark
from rnnae_live.errors import ModelError
from rnnae_live.library.catalogue import scan
from rnnae_live.library.numbers import Number, numbers, shown
from rnnae_live.library.shelf import SONGS
from rnnae_live.presets import Bank

MOST_NAMED = 5
"""Files that are named one by one."""


def contents() -> Iterator[Finding]:
    """Yield how model and presets are of the bank that ``live`` would take: ``RNNAE_BANK``, or the factory's."""
    folder = os.environ.get("RNNAE_BANK")
    began = time.perf_counter()
    try:
        bank = Bank.open(Path(folder) if folder else None)
    except ModelError as error:
        step = "Copy the bank again." if folder else "Install the package again: it brings the factory bank along."
        yield Finding("model", Mark.BROKEN, str(error), step)
        return
    took = (time.perf_counter() - began) * 1000
    model = bank.model
    yield Finding(
        "model",
        Mark.OK,
        f"'{model.manifest.name}' {model.model_id}, {model.units} units, in {bank.folder}: files as their manifest "
        f"says, golden phrase plays, opened in {took:.0f} ms.",
    )
    yield from presets(bank)


def presets(bank: Bank) -> Iterator[Finding]:
    """Yield how the presets of a bank are."""
    count = f"{len(bank.presets)} presets play"
    if bank.presets:
        yield Finding("presets", Mark.OK, f"{count}; what you save goes to {bank.own}.")
    else:
        step = "Save one: rnnae-live preset save SONG.mid --name NAME"
        yield Finding("presets", Mark.LOOK, f"There are no presets in {bank.folder}.", step)
    strange = {preset.name for preset in bank.strangers}
    corrupt = [text for text in bank.notices if not any(text.startswith(repr(name)) for name in strange)]
    for text in corrupt[:MOST_NAMED]:
        yield Finding("presets", Mark.LOOK, text, "Remove the file, or copy it again from where you keep copies.")
    if len(corrupt) > MOST_NAMED:
        yield Finding("presets", Mark.LOOK, f"{len(corrupt) - MOST_NAMED} more files cannot be read.")
    if strange:
        names = ", ".join(repr(name) for name in sorted(strange)[:MOST_NAMED])
        cause = f"{len(strange)} presets were made with another model and are left out: {names}."
        yield Finding("presets", Mark.LOOK, cause, "rnnae-live preset reencode makes them again with this one.")
    yield from _twice(bank)


def _twice(bank: Bank) -> Iterator[Finding]:
    """Yield the programs and slots that several files of one folder claim: only one of them gets it."""
    for folder in dict.fromkeys((bank.folder / SONGS, bank.own)):
        claims: defaultdict[Number, list[str]] = defaultdict(list)
        for row in scan(folder):
            if row.preset is not None and row.preset.model_id == bank.model_id:
                for number in numbers(row.preset):
                    claims[number].append(row.preset.name)
        for number, names in sorted(claims.items()):
            if len(names) > 1:
                several = ", ".join(map(repr, names))
                cause = f"{shown(number)} is claimed by several presets, one of which has it: {several}."
                yield Finding(
                    "presets",
                    Mark.LOOK,
                    cause,
                    f"Give the others one of their own: rnnae-live preset {number[0]} NAME NUMBER",
                )
