"""What ``manifest.json`` says of a model, sealed: none that was changed by accident is believed.

[manifest] -> model

A flipped bit in a mean or a knob's direction would still be a number, and be heard. So a manifest holds the sha256 of
all else that it says, which ``write_manifest`` puts there. It is no signature: whoever wants to can write another.

*Errors*: ``ModelError`` from ``read_manifest``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from rnnae_live.errors import ModelError
from rnnae_live.files import write_whole
from rnnae_live.state import LIMIT
from rnnae_live.tokens import Vocabulary

MANIFEST = "manifest.json"
SCHEMA = 3
LARGEST_FILE = 64 << 20
"""Bytes; a file of a bundle that is larger is refused unread."""


class Golden(msgspec.Struct, frozen=True):
    """A phrase, its state (h then c) and what the decoder makes of it, both as the exporter saw them."""

    tokens: list[tuple[int, int]]
    state: list[float]
    decoded: list[tuple[int, int]]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What ``manifest.json`` says of a model; ``weights`` is the sha256 of all weights, whatever file they are in."""

    schema: int
    name: str
    units: int
    order: str
    lowest: int
    highest: int
    durations: tuple[int, ...]
    sha256: dict[str, str]
    weights: str
    golden: Golden
    state_mean: list[float]
    state_spread: list[float]
    directions: dict[str, list[float]] = {}
    """For each attribute knob what is added to a state (h then c) at a knob of 1."""
    deviations: dict[str, float] = {}
    """Standard deviation of each attribute over the corpus: how much more a knob of 1 asks for."""
    training: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    licence: str = ""
    digest: str = ""
    """The sha256 of all the rest, as ``digest_of`` has it."""


def identify(manifest: Manifest) -> str:
    """Return the id of the model that a manifest describes: the start of the hash of its weights and vocabulary."""
    words = [manifest.order, str(manifest.units), str(manifest.lowest), str(manifest.highest), str(manifest.durations)]
    words.append(manifest.weights)
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a bank's folder.

    Raises:
        ModelError: it is missing, damaged, of another schema, or contradicts itself.
    """
    file = folder / MANIFEST
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise ModelError(f"{file} is too large for a manifest; copy the bank again.")
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        Vocabulary(manifest.lowest, manifest.highest, manifest.durations)
    except FileNotFoundError as error:
        raise ModelError(f"{folder} is no bank: it has no {MANIFEST}; give a folder that has one.") from error
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise ModelError(f"{file} cannot be read ({error}); copy the bank again.") from error
    if manifest.schema != SCHEMA:
        step = "update rnnae-live" if manifest.schema > SCHEMA else "make the bank again (rnnae-live train)"
        raise ModelError(f"{file} has schema {manifest.schema}, this version reads {SCHEMA}; {step}.")
    if manifest.digest != digest_of(manifest):
        raise ModelError(f"{file} is not as it was written; copy the bank again.")
    for name, numbers in manifest.directions.items():
        sound = len(numbers) == 2 * manifest.units and bool((np.abs(numbers) < LIMIT).all())
        if not sound or not 0 < manifest.deviations.get(name, 0.0) < LIMIT:
            raise ModelError(f"The knob '{name}' of {file} does not fit its model; copy the bank again.")
    return manifest


def digest_of(manifest: Manifest) -> str:
    """Return the sha256 of everything that a manifest says but its own digest, however that is laid out."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(manifest, digest=""))).hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest with its digest, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    sealed = msgspec.structs.replace(manifest, digest=digest_of(manifest))
    write_whole(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(sealed)))
