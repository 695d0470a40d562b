"""The one family of errors: each message is a sentence saying what, which value, and what to do next.

``exit_status`` is the status that the command line leaves with when the error reaches it:
1 failed, 2 wrong use, 3 optional part missing, 4 input refused.
"""

from __future__ import annotations


class RnnaeError(Exception):
    """Base of every error that this project raises on purpose."""

    exit_status: int = 1


class UsageError(RnnaeError):
    """The command was called in a way that it does not offer."""

    exit_status = 2


class MissingPartError(RnnaeError):
    """An optional part is not installed; the message holds the install line."""

    exit_status = 3


class MidiFileError(RnnaeError):
    """A file is not a readable Standard MIDI File, or holds no melody."""

    exit_status = 4


class PortError(RnnaeError):
    """A MIDI port cannot be opened, or was lost."""


class ModelError(RnnaeError):
    """A model bundle is missing, damaged, or not what its manifest says."""


class PresetError(RnnaeError):
    """A preset cannot be read, written, found, or recalled."""


class ConfigError(RnnaeError):
    """A setting has a value outside its range, or a name that nothing has."""

    exit_status = 2


class ControlError(RnnaeError):
    """A control message or mapping cannot be used."""
