"""The control page: a browser shows what the instrument does, and turns, presses and plays what it has.

front <-> [page: process -> server -> gate -> viewers] <-> browsers

A process of its own, started by the front and of no weight to the music: flooded, frozen or killed, no note is late.
``gate`` decides who may come in, ``viewers`` tell each browser what has changed, ``messages`` read what it asks for,
``songs`` lays the bank out as a map and takes in MIDI files, ``takes`` keeps what was played as MIDI files.
"""
