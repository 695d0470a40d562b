"""What every test may use."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rnnae_live.manifest import MANIFEST
from rnnae_live.model import FILES
from rnnae_live.presets import Bank, factory

# TensorFlow reads this when it is imported: no banner in the test output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of public melodies: ``RNNAE_CORPUS``, else ``shared/corpus`` beside the repository."""
    beside = Path(__file__).parents[2] / "shared" / "corpus"
    folder = Path(os.environ.get("RNNAE_CORPUS", beside))
    if not (folder / "index.jsonl").is_file():
        pytest.skip(f"there is no corpus in {folder}; set RNNAE_CORPUS to its folder")
    return folder


@pytest.fixture(scope="session")
def bank() -> Bank:
    """The factory bank; whoever changes it works on ``own``."""
    return Bank.open(factory())


@pytest.fixture
def own(tmp_path: Path) -> Bank:
    """An empty bank of one's own with the factory model."""
    for name in (*FILES, MANIFEST):
        shutil.copy(factory() / name, tmp_path / name)
    return Bank.open(tmp_path)


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the presets and settings of whoever runs the tests out of them, and the tests out of theirs."""
    for name in [name for name in os.environ if name.startswith("RNNAE_") and name not in KEPT]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RNNAE_HOME", str(tmp_path_factory.mktemp("home")))
    # Sessions under test have a page where the test is about it.
    monkeypatch.setenv("RNNAE_PAGE", "off")


KEPT = ("RNNAE_CORPUS", "RNNAE_REQUIRE_BROWSER", "RNNAE_REQUIRE_PORTS")
"""Variables of the test run itself."""
