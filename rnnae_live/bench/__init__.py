"""The bench: measures speed and timing on this computer, against the goals of the project.

::

    compute      a decoder step, an encoder step, a melody, a map of melodies; hot and paced
    parts        sixteen parts at once, in virtual time
    timing       the grid at the receiver, the latency of an answer,     session, loopback: the instrument
                 what an open page adds                                  performer: who plays to it and listens
    footprint    imports, start, memory                                  visitor: who looks at its page and turns it
          |                                                              plan, grid: what is played, what it should be
          v                                                              load, server, priority: around it
    figures      p50, p99, p99.9, max; goal; met or not  ->  measurement, table  ->  cli

*Errors*: ``PortError`` where the MIDI system that was asked for is not there.
"""
