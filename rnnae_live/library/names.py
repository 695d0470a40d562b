"""Names of presets as people give them, and names of files that any system takes.

*Errors*: ``PresetError``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from rnnae_live.errors import PresetError

LONGEST_NAME = 120
LONGEST_TAG = 40
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}\.json")
"""What a preset's file may be called: nothing that leaves its folder, and no two that a system takes for one."""


def clean_name(name: str) -> str:
    """Return a name as one line of printable text, NFC.

    Raises:
        PresetError: nothing is left.
    """
    text = _line(name)[:LONGEST_NAME].strip()
    if not text:
        raise PresetError(f"{name!r} is no name for a preset; give one with letters.")
    return text


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags as lines of printable text in lower case, each once, in order.

    Raises:
        PresetError: nothing is left of one.
    """
    made = [folded(_line(tag))[:LONGEST_TAG].strip() for tag in tags]
    if not all(any(c.isalnum() for c in tag) for tag in made):
        raise PresetError("A tag needs letters or digits: --add slow.")
    return sorted(set(made))


def folded(name: str) -> str:
    """Return what two names that count as the same have in common."""
    return unicodedata.normalize("NFC", name).casefold().strip()


def slug(name: str) -> str:
    """Return a name in the letters a-z, digits and hyphens, at most 40."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:40].strip("-") or "preset"


def identity(name: str, content: object) -> str:
    """Return the id of a preset: its slug, and a hash of its name and content that tells it from others."""
    return f"{slug(name)}-{hashlib.sha256(repr((name, content)).encode()).hexdigest()[:8]}"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return which of ``names`` was probably meant."""
    import difflib

    known = {folded(one): one for one in names}
    near = difflib.get_close_matches(folded(name), known, n=1, cutoff=0.5)
    return known[near[0]] if near else None


def _line(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(printable.split())
