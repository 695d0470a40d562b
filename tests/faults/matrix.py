"""All rows of the fault matrix, in the order in which they are injected."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import files, floods, fuzz, pipeline
from tests.faults.seen import Row

def rows() -> list[Row]:
    return [*pipeline.ROWS, *floods.ROWS, *files.ROWS, *fuzz.ROWS]
def planted_found(folder: Path) -> tuple[int, int]:
    return 0, 0
@contextmanager
def with_server(folder: Path, *, needed: bool) -> Iterator[str]:
    yield ""
