"""Lateness is kept as a histogram: counts are exact, quantiles to a factor of two."""

from __future__ import annotations

import pytest

from rnnae_live.lateness import BUCKETS, Lateness

pytestmark = pytest.mark.unit


def test_lateness_is_counted() -> None:
    late = Lateness()
    for _ in range(99):
        late.add(0.0001)
    late.add(0.02)
    assert late.count == 100
    assert 0.0001 <= late.quantile(0.5) <= 0.0002
    assert late.quantile(1.0) == late.worst == 0.02


def test_what_is_in_time_and_what_is_hopeless_have_a_bucket_too() -> None:
    late = Lateness()
    for seconds in (-1.0, 0.0, 1e-6, 1000.0):
        late.add(seconds)
    assert [number for number, count in enumerate(late.buckets) if count] == [0, 1, BUCKETS - 1]
    assert sum(late.buckets) == late.count == 4
    assert Lateness().quantile(0.99) == 0.0
