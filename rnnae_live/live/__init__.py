"""Playing live: three processes that watch each other, so that no fault of one leaves a note sounding.

::

    front ── starts, watches (heartbeat), restarts ──┬──────────────┐
                                                     v              v
    MIDI in ──────────────────────────────────>  player <──────> engine
    MIDI out <────────────────────────────────  (ports, what    (music)
                                                 is due, ledger)

Beside them, and of no weight to the music, there is ``rnnae_live.page``: the front starts it when everything plays.

``front`` is the process of the command line, ``python -m rnnae_live.live.player`` and ``...live.engine`` are its
children; ``wire`` is how they talk. When the engine dies, the player releases what sounds at once. When the player
dies, the next one releases what the ledger names. When the front dies, both release and leave.
"""
