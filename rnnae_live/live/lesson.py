"""Learning a control while it plays: somebody names a parameter, then a control of the controller is moved.

controller -> player -> engine's process -> [lesson: control.learn] -> controls.json

While a lesson goes on, the controller moves nothing else. What was learned is written on a thread of its own; the
session reads the file again by itself, as it does when ``rnnae-live learn`` has written it.

*Threading*: the process's own thread. *Errors*: ``ControlError`` where there is no such parameter or action.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rnnae_live.control.learn import Learn, State
from rnnae_live.control.mapping import Assignment
from rnnae_live.control.sources import Reader
from rnnae_live.control.store import Controls, change
from rnnae_live.errors import RnnaeError
from rnnae_live.events import Event, Notice


class Lesson:
    """Learns for the controller ``port``. ``tell`` takes notices, on any thread; ``errand`` does what awaits a disk."""

    def __init__(
        self, port: str, tell: Callable[[Notice], None], errand: Callable[[Callable[[], object]], None]
    ) -> None:
        """Begin with nothing to learn."""
        self._port = port
        self._tell = tell
        self._errand = errand
        self._name: str | None = None
        self._learn = Learn()
        self._reader = Reader()

    @property
    def going(self) -> bool:
        """Whether a control is waited for."""
        return self._learn.state is State.LISTENING

    def begin(
        self, target: str | None, controls: Controls | None, part: int | None = None, name: str | None = None
    ) -> None:
        """Wait for the control of a parameter or action; None gives up. ``name`` is the map in force, None the own one.

        Raises:
            ControlError: there is neither a parameter nor an action of this name.
        """
        if target is None:
            self._learn.cancel()
            return
        self._name = name
        self._learn = Learn((controls or Controls()).of(self._port).refusal)
        self._learn.begin(target, part)

    def heard(self, event: Event) -> bool:
        """Take what came from the controller; return whether it belongs to a lesson."""
        going = self.going
        self._learn.heard(*self._reader.read(event))
        result = self._learn.result
        if going and not self.going and result is not None:
            self._errand(partial(self._keep, result, self._name))
        return going

    def shown(self) -> dict[str, Any]:
        """Return what whoever watches sees: what is waited for, what was moved last, what cannot be learned and why."""
        return {
            "armed": self._learn.target if self.going else None,
            "recent": [str(one.source) for one in self._learn.recent],
            "refused": self._learn.refused,
        }

    def _keep(self, result: Assignment, name: str | None) -> None:
        """Write what was learned into the map that was in force; on a thread of its own."""
        try:
            change(lambda controls: controls.having(controls.of(self._port, name).learned(result), name))
            where = "" if name is None else f" (in '{name}')"
            self._tell(Notice(f"Learned: {result.words}{where}"))
        except (RnnaeError, OSError) as error:
            self._tell(Notice(f"What was learned could not be kept: {error}", fault=True))
