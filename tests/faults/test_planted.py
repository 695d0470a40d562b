"""Every protection that is taken out is missed by its check: planted faults found of planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.planted import PLANTED, Planted, found

pytestmark = pytest.mark.model


@pytest.mark.parametrize("fault", PLANTED, ids=lambda one: one.name)
def test_a_protection_that_is_taken_out_is_missed(fault: Planted, tmp_path: Path) -> None:
    assert found(fault, tmp_path), f"nobody notices that this is gone: {fault.name}"


def test_there_are_enough_of_them() -> None:
    assert len({fault.name for fault in PLANTED}) == len(PLANTED) >= 25
