"""Where in the music a moment is, and when a place in the music will be.

ports -> events -> [clock: follower (track) | tap -> line -> sender] -> engine, player

``line`` is the straight line from seconds to ticks by which everything is computed. It is our own, or that of
``tap``, which lays it through taps, or that of ``follower``, which lays it through somebody else's ticks (each
``track`` is one explanation of them). ``sender`` gives the ticks of the line to whoever follows us.
"""

from rnnae_live.clock.follower import Follower, State
from rnnae_live.clock.line import AT_ONCE, FASTEST, PPQ, SIXTEENTH, SLOWEST, Clock
from rnnae_live.clock.sender import Sender
from rnnae_live.clock.tap import Tap

__all__ = ["AT_ONCE", "FASTEST", "PPQ", "SIXTEENTH", "SLOWEST", "Clock", "Follower", "Sender", "State", "Tap"]
