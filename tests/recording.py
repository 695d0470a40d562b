"""What a player sends, and whether its notes are whole."""

from __future__ import annotations

from rnnae_live.errors import PortError
from rnnae_live.events import NoteOff, NoteOn, read
from rnnae_live.player import Player


class Recorder:
    """Writes down what is sent, with the virtual time; ``broken`` makes it a lost port."""

    def __init__(self) -> None:
        self.now = 0.0
        self.broken = False
        self.sent: list[tuple[float, bytes]] = []

    def __call__(self, data: bytes) -> None:
        if self.broken:
            raise PortError("lost")
        self.sent.append((self.now, data))

    def play(self, player: Player, until: float, step: float = 0.001) -> None:
        while self.now < until:
            self.now = round(self.now + step, 6)
            player.play(self.now)


def balanced(sent: list[tuple[float, bytes]]) -> set[tuple[int, int]]:
    """Return what still sounds; fail where a note sounds twice or is released without sounding."""
    sounding: set[tuple[int, int]] = set()
    for _, data in sent:
        event = read(data, 0.0)
        if isinstance(event, NoteOn):
            assert (event.channel, event.pitch) not in sounding
            sounding.add((event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            assert (event.channel, event.pitch) in sounding
            sounding.remove((event.channel, event.pitch))
    return sounding
