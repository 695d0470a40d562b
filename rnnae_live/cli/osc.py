"""``rnnae-live osc``: what can be sent to the instrument over Open Sound Control."""

from __future__ import annotations

import click

from rnnae_live.cli._types import Text
from rnnae_live.errors import UsageError

OFF = "off"


def place(text: str) -> tuple[str, int] | None:
    """Return address and port of "9010" or "0.0.0.0:9010", None for "off".

    Raises:
        UsageError: it is none of these.
    """
    if text == OFF:
        return None
    address, colon, port = text.rpartition(":")
    if not port.isdecimal() or not 1 <= int(port) <= 65535 or bool(colon) != bool(address):
        raise UsageError(f"'{text}' is no place for OSC: give {OFF}, a port as 9010, or ADDRESS:PORT.")
    return address.strip("[]") or "127.0.0.1", int(port)


PLACE = Text("off, a port from 1 to 65535, or as '127.0.0.1:9010'", place, numeric=True)
"""The type of the option ``--osc``."""


@click.command(short_help="List the OSC addresses of all parameters and actions.")
@click.option("--list", "listing", is_flag=True, help="Print the table of addresses.")
@click.option("--part", type=click.IntRange(1, 16), help="With the addresses of this part, not of part 1.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, all parts.")
def command(*, listing: bool, part: int | None, as_json: bool) -> None:
    """List what can be sent over Open Sound Control while `rnnae-live live --osc 9010` plays.

    \b
    rnnae-live osc --list               every address, what it takes and does
    rnnae-live osc --list --part 2      those of part 2
    /rnnae/weight/3 0.7                 slot 3 of part 1; also /rnnae/part/1/weight/3
    /rnnae/preset/select "Ode to Joy"   or a program number
    /rnnae/refresh                      all values are told to whoever sends this

    What changes is told to the last sender, each parameter at most 30 times a second, and never back to the hand
    that turned it. A bundle with a time tag is done at its time, up to 10 seconds ahead and 512 messages at once; more
    is dropped, what is late is done at once, and a panic never waits.
    """
    from rnnae_live.osc.addresses import addresses
    from rnnae_live.osc.flow import LONGEST_WAIT, MOST_LATER

    rows = list(addresses().values())
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(rows).decode())
        return
    if not listing:
        raise UsageError("`rnnae-live osc --list` prints the addresses; `rnnae-live osc --help` how to use them.")
    head = "/rnnae/part/"
    shown = [row for row in rows if (row.path.startswith(f"{head}{part}/") if part else not row.path.startswith(head))]
    paths, takes = (max(len(getattr(row, name)) for row in shown) for name in ("path", "takes"))
    takes = min(takes, 44)
    for row in shown:
        click.echo(f"{row.path:<{paths}}  {row.takes:<{takes}}  {row.summary}")
    if part is None:
        click.echo("\nPart N of several: /rnnae/part/N/... for everything but what the whole instrument has.")
        click.echo(
            f"Bundles are done at their time tag, up to {LONGEST_WAIT:g} s ahead, {MOST_LATER} messages at once."
        )
