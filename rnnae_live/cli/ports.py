"""``rnnae-live ports``: which MIDI ports there are."""

from __future__ import annotations

import json
import sys

import click

from rnnae_live.errors import PortError
from rnnae_live.ports import BACKENDS, backend
from rnnae_live.ports.ladder import LADDERS

LISTING = "RNN-AE Live ports"
"""Client under which ports are listed, so that the instrument's own name stays free."""


@click.command(short_help="List the MIDI ports of this computer.")
@click.option("--backend", "name", type=click.Choice(BACKENDS), default="auto", show_default=True,
              envvar="RNNAE_BACKEND", help="MIDI system to ask; auto asks all of this computer.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs.")
def command(name: str, as_json: bool) -> None:
    """List the MIDI ports: names for --in, --out and --control."""
    systems = LADDERS.get(sys.platform, ()) if name == "auto" else (name,)
    found = {}
    for system in systems:
        try:
            one = backend(system, LISTING)
            found[system] = {"in": one.sources(), "out": one.destinations()}
        except PortError as error:
            if name != "auto":
                raise
            found[system] = {"missing": [str(error)]}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for system, ports in found.items():
        for line in ports.get("missing", ()):
            click.echo(f"{system}: {line}")
        for way, option in (("in", "--in"), ("out", "--out")):
            if way in ports:
                names = [f"'{port}'" for port in ports[way]] or ["none"]
                click.echo(f"{system}, {option}: {', '.join(names)}")
