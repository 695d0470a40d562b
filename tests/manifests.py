"""Manifests that say something else and are sealed all the same, so that what they say is judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rnnae_live.manifest import MANIFEST, Manifest, digest_of


def sealed(plain: Mapping[str, Any]) -> bytes:
    """Return a manifest with the digest that belongs to it; what is none stays as it is."""
    try:
        manifest = msgspec.convert(plain, Manifest)
    except msgspec.ValidationError:
        return json.dumps(plain).encode()
    return msgspec.json.encode(msgspec.structs.replace(manifest, digest=digest_of(manifest)))


def rewrite(folder: Path, **changed: Any) -> None:  # noqa: ANN401 - any field
    """Let the manifest of a bank say something else."""
    (folder / MANIFEST).write_bytes(sealed({**json.loads((folder / MANIFEST).read_text()), **changed}))
