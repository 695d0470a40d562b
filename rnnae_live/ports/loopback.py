"""MIDI ports inside this process: the embedded default where there is no MIDI system, and the one that tests use.

A ``World`` holds named ports; a ``Loopback`` is one client of it. What is sent reaches every input that is connected,
at once, on the sender's thread. It behaves as the real ones do and passes the same tests.

*Threading*: a lock guards the table of ports; receivers are called outside it.
*Errors*: as in ``base``.
"""

from __future__ import annotations

import threading

from rnnae_live.errors import PortError
from rnnae_live.ports.base import CLIENT, IN, OUT, Backend, Input, Output, Receive


class World:
    """The ports of all clients, by name: each input, and each output with the inputs that hear it."""

    def __init__(self) -> None:
        """Begin without ports."""
        self._lock = threading.Lock()
        self._inputs: dict[str, Input] = {}
        self._outputs: dict[str, list[Input]] = {}

    def inputs(self) -> list[str]:
        """Return the names of all inputs."""
        with self._lock:
            return list(self._inputs)

    def outputs(self) -> list[str]:
        """Return the names of all outputs."""
        with self._lock:
            return list(self._outputs)

    def add_input(self, client: str, port: str, own: Input) -> str:
        """Add an input that hears nothing yet; return its full name."""
        with self._lock:
            name = _free(client, port, self._inputs)
            self._inputs[name] = own
        return name

    def add_output(self, client: str, port: str) -> str:
        """Add an output that nothing hears yet; return its full name."""
        with self._lock:
            name = _free(client, port, self._outputs)
            self._outputs[name] = []
        return name

    def connect(self, output: str, heard: str) -> None:
        """Let the input ``heard`` hear ``output``, once.

        Raises:
            PortError: one of them is not there any more.
        """
        with self._lock:
            own, listeners = self._inputs.get(heard), self._outputs.get(output)
            if own is None or listeners is None:
                raise PortError(f"The port '{heard if own is None else output}' is gone.")
            if own not in listeners:
                listeners.append(own)

    def remove_input(self, name: str) -> None:
        """Take an input out, and every connection to it."""
        with self._lock:
            own = self._inputs.pop(name, None)
            for heard in self._outputs.values():
                heard[:] = [other for other in heard if other is not own]

    def remove_output(self, name: str) -> None:
        """Take an output out."""
        with self._lock:
            self._outputs.pop(name, None)

    def send(self, name: str, data: bytes) -> bool:
        """Hand ``data`` to all that hear the output ``name``; False where it is not there any more."""
        with self._lock:
            heard = self._outputs.get(name)
            targets = list(heard or ())
        for target in targets:
            target.arrived(data)
        return heard is not None


class Loopback(Backend):
    """A client of a world of ports. ``client`` is the name under which its own ports appear there."""

    name = "loopback"
    title = "in-process loopback"

    def __init__(self, client: str = CLIENT, world: World | None = None) -> None:
        """Join ``world``, or make one."""
        super().__init__()
        self.world = World() if world is None else world
        self._client = client

    def sources(self) -> list[str]:
        """Return the names of all outputs: an input listens to one of these."""
        return self.world.outputs()

    def destinations(self) -> list[str]:
        """Return the names of all inputs."""
        return self.world.inputs()

    def open_input(self, receive: Receive, port: str = IN, *sources: str) -> Input:
        """Make an input; see ``Backend``."""
        own = _Input(receive, self.world)
        own.name = self.world.add_input(self._client, port, own)
        self._connect(own, sources, self.sources)
        return own

    def open_output(self, port: str = OUT, *destinations: str) -> Output:
        """Make an output; see ``Backend``."""
        own = _Output(self.world, self.world.add_output(self._client, port))
        self._connect(own, destinations, self.destinations)
        return own


class _Input(Input):
    """An input of a world."""

    name = ""

    def __init__(self, receive: Receive, world: World) -> None:
        super().__init__(receive)
        self._world = world

    def _join(self, name: str) -> None:
        self._world.connect(name, self.name)

    def _close(self) -> None:
        """Leave the world; what is sent from now on does not arrive."""
        self._world.remove_input(self.name)


class _Output(Output):
    """An output of a world."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__()
        self._world = world
        self._name = name

    def _send(self, data: bytes) -> None:
        if not self._world.send(self._name, data):
            raise PortError(f"The port '{self._name}' is closed.")

    def _join(self, name: str) -> None:
        self._world.connect(self._name, name)

    def _close(self) -> None:
        """Leave the world."""
        self._world.remove_output(self._name)


def _free(client: str, port: str, taken: dict[str, Input] | dict[str, list[Input]]) -> str:
    """Return a full name that no port has yet."""
    name, number = f"{client}:{port}", 1
    while name in taken:
        name, number = f"{client}-{number:02d}:{port}", number + 1
    return name
