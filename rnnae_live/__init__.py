"""The state space of an LSTM auto-encoder, played live over MIDI.

The signal path, in the order that data travels it::

    ports     bytes of a MIDI port, stamped with their time (or midifile: a Standard MIDI File)
    phrase    notes as they were played
    melody    one voice on the grid: the root of each chord, rests, durations
    tokens    the melody as token ids, with a start and an end tag
    model     the LSTM encoder reads them; its final state is the state vector of the phrase
    state     that vector, a point in the model's space; presets are the points of learned songs
    mixer     the weighted mean of the phrase and the presets, moved by the performer's knobs
    decoder   the state vector as token ids again, one step at a time
    walk      the melody piece by piece, decoded again from here on when a knob moves
    feel      how it is played: swing, loudness and timing of the performer
    player    the answer as due events, each sent at its time, each note-on with its note-off

``engine`` is the patch that joins them and the only writer of musical state: a ``transport`` (``clock``) that all parts
share, and for each ``part`` a ``desk`` of knobs and ``slots``. ``live`` runs it in processes, ``page`` and ``osc``
reach it from outside.
"""

__version__ = "0.1.0"
