"""Open Sound Control: every parameter and action under ``/rnnae``, and what they are told back.

datagrams -> [osc: packet -> addresses -> flow -> server] -> the front, and back

Nothing musical depends on it: it is served beside the front, and what it hands on is what a knob could have said.

*Source*: Open Sound Control 1.0, https://opensoundcontrol.stanford.edu/spec-1_0.html
"""

from rnnae_live.osc.addresses import Address, Order, Refresh, addresses, told, understood
from rnnae_live.osc.server import PORT, Counts, OscServer

__all__ = ["PORT", "Address", "Counts", "Order", "OscServer", "Refresh", "addresses", "told", "understood"]
