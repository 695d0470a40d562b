"""What has happened in a session so far, counted: by each part for itself, by the engine for all.

part, engine -> [counts] -> front, page
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Phrases that were heard, answers that were begun, changes of what sounded, faults that were caught."""

    phrases: int = 0
    answers: int = 0
    changes: int = 0
    faults: int = 0
