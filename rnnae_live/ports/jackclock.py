"""When a period of a JACK server began, in our seconds.

[jackclock] -> jack

Frames become monotonic seconds by when the server woke for the cycle (``cycle``). That is asked for anew each time,
because a server that was late loses frames, and only its clock knows how many.

*Units*: seconds of the monotonic clock. *Threading*: the server's thread that plays. *Errors*: none.
*Source*: jackaudio.org, "jack_position_t".
"""

from __future__ import annotations

import ctypes
import time
from typing import Any

import jack

from rnnae_live.ports.cycle import Cycles

TOLD = 1.0
"""Seconds from now within which a moment that the server tells can be that of a present wake-up."""

WOKEN = 1
"""Place of the wake-up's moment (``usecs``) among the words of a transport's position; before it is a number."""

UNDISTURBED = 0.00002
"""Seconds that reading both clocks takes where nothing came between."""

ROOM = 64
"""Words for a position, which takes some twenty."""

CLOCK_JUMP = 0.02
"""Seconds by which the clocks can only differ more than before when one of them stood still."""

SMOOTHING = 0.05
"""Weight of a new reading of both clocks."""


class CycleTimes:
    """When the present cycle began and when the next one will, in monotonic seconds; for the process callback only.

    The moment at which the server woke for a cycle is told with its transport, to all clients the same.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401
        """Ask the server of ``client``, a ``jack.Client``."""
        # By way of the package both calls would let go of the interpreter, and wait for it; they themselves never wait.
        library = ctypes.PyDLL(jack._libname)  # noqa: SLF001
        self._query = library.jack_transport_query
        self._clock = library.jack_get_time
        self._clock.restype = ctypes.c_uint64
        handle = int(jack._ffi.cast("uintptr_t", client._ptr))  # noqa: SLF001
        place = (ctypes.c_uint64 * ROOM)()
        self._position = place
        self._arguments = (ctypes.c_void_p(handle), ctypes.byref(place))
        self._cycles = Cycles()
        self._offset: float | None = None
        self._rate = client.samplerate

    def cycle(self, frames: int) -> tuple[float, float]:
        """Return when the cycle began and when it ends."""
        now, offset = time.monotonic(), self._between_clocks()
        self._query(*self._arguments)
        woken = self._position[WOKEN] / 1e6 + offset
        # A server that does not tell is taken to have woken when it called.
        return self._cycles.place(woken if -TOLD < woken - now <= TOLD else now, frames / self._rate)

    def _between_clocks(self) -> float:
        """Return what is to be added to the server's seconds.

        Its clock is not corrected as ours is (CLOCK_MONOTONIC_RAW on Linux): they drift apart, a millisecond a minute.
        A reading between which something else has run says little; the others are averaged.
        """
        before, theirs, after = time.monotonic(), self._clock() / 1e6, time.monotonic()
        offset = (before + after) / 2 - theirs
        if self._offset is None or abs(offset - self._offset) > CLOCK_JUMP:
            self._offset = offset
        elif after - before < UNDISTURBED:
            self._offset += SMOOTHING * (offset - self._offset)
        return self._offset
