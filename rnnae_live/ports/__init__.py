"""MIDI ports: virtual, named, or in this process; complete messages in with their time, complete messages out.

[ports] -> events -> engine ... player -> [ports]

``choose`` walks the ladder of what this computer has and always comes back with something that works;
``backend`` takes one by its name. Behind both is the same small interface (``base``), served by the system's
drivers (``jack``: exact to the frame; ``system``: ALSA, CoreMIDI, winmm, and JACK where that is missing, through
python-rtmidi) and by ``loopback``, which needs no MIDI at all.

*Threading*: a receiver is called on a thread of the driver; it must enqueue and return.
*Errors*: ``PortError``; a fault in a receiver is kept in the input's ``faults``, because a driver would swallow it.
"""

from rnnae_live.ports.base import Backend, Change, Input, Output, Receive, match
from rnnae_live.ports.ladder import BACKENDS, Choice, backend, choose

__all__ = ["BACKENDS", "Backend", "Change", "Choice", "Input", "Output", "Receive", "backend", "choose", "match"]
