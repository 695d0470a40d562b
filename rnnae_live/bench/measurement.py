"""A measurement: every figure in its order, and all of it as one record.

compute, parts, timing, footprint -> figures -> [measurement] -> cli

*Errors*: ``PortError`` where the MIDI system that was asked for is not there, ``ModelError`` where the bank is not.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rnnae_live.bench import compute, footprint, parts, server, timing
from rnnae_live.bench.figures import Figure, rounded, verdict
from rnnae_live.bench.load import processors
from rnnae_live.bench.priority import real_time
from rnnae_live.errors import PortError
from rnnae_live.presets import Bank

GROUPS = ("compute", "parts", *(condition.name for condition in timing.CONDITIONS), "page", "answer", "start")
"""Names of the groups of figures, in their order."""

VIRTUAL_SECONDS = 60.0
"""Of music that sixteen parts play."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured: over which ports, for how many seconds each scene, with which bank.

    ``only`` names the groups of figures that are wanted (``GROUPS``), all where it is empty. ``quick`` takes a tenth of
    the samples or less; ``load`` adds the scene with a busy process for each core. ``own_server`` starts a JACK server
    with ``period`` frames for the time of the measurement.
    """

    backend: str = "auto"
    seconds: float = 20.0
    quick: bool = False
    load: bool = False
    own_server: bool = False
    period: int = server.PERIOD
    bank: Path | None = None
    only: frozenset[str] = frozenset()

    def wants(self, group: str) -> bool:
        """Return whether a group is measured; that under load only where it was asked for."""
        return group in self.only if self.only else (group != "load" or self.load)


def measure(options: Options) -> Iterator[Figure]:
    """Yield the figures as they are made.

    Raises:
        PortError: the MIDI system that was asked for is not there.
        ModelError: the bank cannot be opened.
    """
    with ExitStack() as stack:
        if options.own_server:
            stack.enter_context(server.own_server(options.period))
        backend = settled(options).backend
        bank = Bank.open(options.bank)
        seconds = min(options.seconds, 3.0) if options.quick else options.seconds
        if options.wants("compute"):
            yield from compute.figures(bank, compute.Amount.quick() if options.quick else compute.Amount())
        if options.wants("parts"):
            yield parts.figure(bank, VIRTUAL_SECONDS / 10 if options.quick else VIRTUAL_SECONDS)
            yield from parts.live(bank, backend, seconds)
        for condition in timing.CONDITIONS:
            if options.wants(condition.name):
                yield from timing.on_grid(bank, backend, seconds, condition)
        if options.wants("page") and not left_out(replace(options, backend=backend)):
            yield from timing.page(bank, backend, seconds)
        if options.wants("answer"):
            yield timing.answers(bank, backend, seconds)
        if options.wants("start"):
            yield from footprint.figures(backend, 2 if options.quick else 10)


def settled(options: Options) -> Options:
    """Return the options with the backend that is measured: the one asked for, or JACK where a server answers.

    Raises:
        PortError: JACK was asked for and no server answers.
    """
    if options.backend == "loopback":
        return options
    if server.answers():
        return replace(options, backend="jack")
    if options.backend == "auto":
        return replace(options, backend="loopback")
    raise PortError("No JACK server answers. Start one, or let the bench start its own with --own-server.")


def left_out(options: Options) -> dict[str, str]:
    """Return which groups cannot be measured over these ports, and why; one that is asked for by name fails instead."""
    return {} if options.only or options.backend != "loopback" else {"page": timing.NO_PAGE}


def ratios(figures: list[Figure]) -> dict[str, float]:
    """Return the medians of our steps in units of a bare numpy step and of the loop of pure Python, in the same run."""
    half = {figure.name: figure.quantiles["p50"] for figure in figures}
    pairs = {
        "decoder_step_hot_over_numpy_step": ("decoder_step_hot_us", "numpy_step_us", 1.0),
        "decoder_step_paced_over_numpy_step": ("decoder_step_paced_us", "numpy_step_us", 1.0),
        "knob_to_melody_hot_over_python_loop": ("knob_to_melody_hot_ms", "python_loop_us", 1000.0),
    }
    return {
        name: rounded(half[above] * scale / half[below])
        for name, (above, below, scale) in pairs.items()
        if above in half and half.get(below)
    }


def record(figures: list[Figure], options: Options) -> dict[str, Any]:
    """Return everything as plain data: the figures by their names, and beside them where and how they were made."""
    return {
        "backend": options.backend,
        "seconds": options.seconds,
        "quick": options.quick,
        "machine": machine(),
        "ratios": ratios(figures),
        "summary": verdict(figures),
        "left_out": left_out(options),
        **{figure.name: figure.plain() for figure in figures},
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, system, versions, and how busy it is."""
    with real_time() as allowed:
        pass
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": processors(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "onnxruntime": importlib.metadata.version("onnxruntime"),
        "numpy": importlib.metadata.version("numpy"),
        "real_time": allowed,
    }
    if hasattr(os, "getloadavg"):
        found["load_average"] = [round(one, 2) for one in os.getloadavg()]
    return found


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
