"""``rnnae-live panic``: silence."""

from __future__ import annotations

import contextlib
import select
from pathlib import Path

import click

from rnnae_live.errors import PortError
from rnnae_live.events import CHANNELS, PITCHES, note_off, silence
from rnnae_live.live.session import running
from rnnae_live.live.wire import Kind, LinkLostError, call
from rnnae_live.ports import BACKENDS, choose

ANSWER_SECONDS = 1.0


@click.command(short_help="Silence every note on a port.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, envvar="RNNAE_BACKEND",
              help="MIDI system to use.")  # fmt: skip
@click.option("--out", "destination", metavar="NAME", envvar="RNNAE_OUT", help="Silence what listens on this port too.")
def command(backend: str, destination: str | None) -> None:
    """Silence everything: every session that plays, and with --out every note of every channel of a port."""
    silenced = sum(_silenced(folder) for folder in running())
    if silenced:
        click.echo(f"Silenced {silenced} running session{'s' if silenced > 1 else ''}.")
    if destination is not None:
        choice = choose(backend, named=True)
        with contextlib.closing(choice.backend):
            port = choice.backend.open_output("RNN-AE Live Panic", destination)
            for data in silence():
                port.send(data)
            for channel in range(CHANNELS):
                for pitch in range(PITCHES):
                    port.send(note_off(channel, pitch))
        click.echo(f"Silenced '{destination}' ({choice.why}).")
    elif not silenced:
        raise PortError("No session is playing here. To silence a port, name it: rnnae-live panic --out NAME.")


def _silenced(folder: Path) -> bool:
    """Tell a running session to be silent; return whether it answered."""
    with contextlib.suppress(OSError, LinkLostError):
        link = call(folder, "front")
        link.send(Kind.CUT, b"\1")
        return bool(select.select([link], [], [], ANSWER_SECONDS)[0] and link.receive())
    return False
