"""The doctor: looks at this computer and says of each thing that playing needs whether it is well.

::

    installation    Python, the packages and their versions
    systems         the MIDI systems, their ports, sessions that play
    realtime        what the kernel allows, and how exactly a process here wakes up
    bank            the model and the presets
    home            where things are written, and the settings in the environment
          |
          v
    findings        one sentence each: mark, cause, next step  ->  examination  ->  cli

*Errors*: none. What cannot be looked at becomes a finding that says so.
"""
