"""``rnnae-live live``: play, with an answer from the state space."""

from __future__ import annotations

import os

import click

from rnnae_live.control import SPECS
from rnnae_live.errors import UsageError
from rnnae_live.live.front import Front, LiveOptions
from rnnae_live.ports.ladder import BACKENDS

FOLLOW = SPECS["follow"]


@click.command(short_help="Play: listen on a MIDI port, answer on another.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, envvar="RNNAE_BACKEND",
              help="MIDI system to use; auto takes the first that works.")  # fmt: skip
@click.option("--in", "source", metavar="NAME", envvar="RNNAE_IN", help="Listen to this port instead of a virtual one.")
@click.option("--out", "destination", metavar="NAME", envvar="RNNAE_OUT",
              help="Answer to this port instead of a virtual one.")  # fmt: skip
@click.option("--control", metavar="NAME", envvar="RNNAE_CONTROL", help="Listen to this controller as well.")
@click.option("--bank", type=click.Path(exists=True, file_okay=False), envvar="RNNAE_BANK",
              help="Folder of the model and its presets; the factory bank without.")  # fmt: skip
@click.option("--mode", type=click.Choice(["answer"]), default="answer", show_default=True, envvar="RNNAE_MODE",
              expose_value=False,
              help="answer: a phrase is answered when you rest.")  # fmt: skip
@click.option("--sync", type=click.Choice(["internal"]), default="internal", show_default=True, envvar="RNNAE_SYNC",
              expose_value=False,
              help="Clock that sets the tempo.")  # fmt: skip
@click.option("--bpm", type=click.FloatRange(20.0, 300.0), default=120.0, show_default=True, envvar="RNNAE_BPM",
              help="Tempo in quarter notes a minute.")  # fmt: skip
@click.option("-p", "--preset", "presets", multiple=True, metavar="PRESET=WEIGHT",
              help="Put a preset into the next slot with a weight from 0 to 1; up to eight. [env var: RNNAE_PRESETS, "
              "separated by ;]")  # fmt: skip
@click.option("--follow", type=click.FloatRange(FOLLOW.minimum, FOLLOW.maximum), default=FOLLOW.default,
              show_default=True, envvar="RNNAE_FOLLOW", help="Weight of the phrase that you play.")  # fmt: skip
def command(
    *,
    backend: str,
    source: str | None,
    destination: str | None,
    control: str | None,
    bank: str | None,
    bpm: float,
    presets: tuple[str, ...],
    follow: float,
) -> None:
    """Play a phrase and rest, or send CC 85: the answer comes in tempo.

    On the port that your DAW sees, CC 20-27 turn up the presets in slots 1-8, CC 28 the phrase itself and CC 29 the
    temperature. CC 86 captures the phrase into a slot, CC 87 holds it open, CC 120 and 123 silence everything, and a
    program change puts a preset into slot 1.
    """
    given = presets or tuple(filter(None, os.environ.get("RNNAE_PRESETS", "").split(";")))
    options = LiveOptions(
        backend=backend,
        source=source,
        destination=destination,
        control=control,
        bank=bank,
        bpm=bpm,
        presets=tuple(preset_weight(text) for text in given),
        follow=follow,
    )
    Front(options, say=say).run()


def preset_weight(text: str) -> tuple[str, float]:
    """Return name and weight of ``NAME=WEIGHT``; a name alone has weight 1.

    Raises:
        UsageError: the weight is not a number from 0 to 1.
    """
    name, equals, number = text.rpartition("=")
    if not equals:
        return text.strip(), 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = -1.0
    if not 0.0 <= weight <= 1.0:
        raise UsageError(f"The weight '{number}' of preset '{name}' is not a number from 0 to 1: -p '{name}=0.5'.")
    return name.strip(), weight


def say(text: str) -> None:
    """Print one line and hand it on at once, so that whoever reads a pipe sees it."""
    click.echo(text)
