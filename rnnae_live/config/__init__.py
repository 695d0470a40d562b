"""Configuration: what a performer has written down about how the instrument starts.

cli -> [config: places -> file -> key] -> cli

``rnnae.toml`` in the folder that one is in goes before the one in the user's own folder; options and the environment
go before both. Which keys there are is told by whoever reads: a ``Table`` of ``Key``.

*Errors*: ``ConfigError`` names the file, the key, the value and what can be there instead. Where the instrument is to
play, a file that is broken is replaced by the copy of it that worked last.
"""

from rnnae_live.config.edit import edited, written
from rnnae_live.config.file import LARGEST_FILE, decode, read
from rnnae_live.config.key import PARTS, Key, Table
from rnnae_live.config.places import FILE, Layer, Layers, here, load, remember, remembered, user

__all__ = [
    "FILE",
    "LARGEST_FILE",
    "PARTS",
    "Key",
    "Layer",
    "Layers",
    "Table",
    "decode",
    "edited",
    "here",
    "load",
    "read",
    "remember",
    "remembered",
    "user",
    "written",
]
