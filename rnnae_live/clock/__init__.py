"""Where in the music a moment is, and when a place in the music will be.

[clock] -> engine

``line`` is the straight line from seconds to ticks by which everything is computed.
"""

from rnnae_live.clock.line import AT_ONCE, FASTEST, PPQ, SIXTEENTH, SLOWEST, Clock

__all__ = ["AT_ONCE", "FASTEST", "PPQ", "SIXTEENTH", "SLOWEST", "Clock"]
