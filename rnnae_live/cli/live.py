"""``rnnae-live live``: play, with an answer from the state space."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

import click

from rnnae_live.cli import _types
from rnnae_live.cli._configured import Configured, worked
from rnnae_live.cli.osc import PLACE, place
from rnnae_live.control import MODES, QUANTISE, SPECS, THRU, spec
from rnnae_live.errors import ControlError, UsageError
from rnnae_live.live.front import Front
from rnnae_live.live.options import LiveOptions
from rnnae_live.ports.ladder import BACKENDS

CHANNELS = 16


PORT = _types.Text("the name of a port")
METRE = _types.Text("as 4/4, 3/4 or 6/8", lambda text: beats(text))  # noqa: PLW0108 - it comes below
PRESET = _types.Text("as 'Ode to Joy=0.5'", lambda text: preset_weight(text), _types.presets)  # noqa: PLW0108
PAGE = _types.Text("a port from 1 to 65535, auto or off", lambda text: page_port(text), numeric=True)  # noqa: PLW0108
HOST = _types.Text("an address of this computer")
SETTING = _types.Text("as scale=dorian", complete=_types.parameters)

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _named(name: str, words: Sequence[str], text: str) -> Decorator:
    """Return an option that takes one of some words, the first by default."""
    variable = f"RNNAE_{name.strip('-').replace('-', '_').upper()}"
    return click.option(name, type=click.Choice(list(words)), default=words[0], show_default=True, envvar=variable,
                        help=text)  # fmt: skip


@click.command(cls=Configured, short_help="Play: listen on a MIDI port, answer on another.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, envvar="RNNAE_BACKEND",
              help="MIDI system to use; auto takes the first that works.")  # fmt: skip
@click.option("--in", "sources", multiple=True, type=PORT, metavar="NAME", envvar="RNNAE_IN",
              help="Listen to this port instead of a virtual one; may be given again.")  # fmt: skip
@click.option("--out", "destinations", multiple=True, type=PORT, metavar="NAME", envvar="RNNAE_OUT",
              help="Answer to this port instead of a virtual one; may be given again.")  # fmt: skip
@click.option("--control", metavar="NAME", envvar="RNNAE_CONTROL", help="Listen to this controller as well.")
@click.option("--bank", type=click.Path(exists=True, file_okay=False), envvar="RNNAE_BANK",
              help="Folder of the model and its presets; the factory bank without.")  # fmt: skip
@_named("--mode", MODES, "answer: a phrase is answered when you rest; trade: bars in turn; loop: it plays on.")
@_named("--sync", ("internal", "midi"), "Clock that sets the tempo: its own, or the MIDI clock that comes in.")
@click.option("--bpm", type=click.FloatRange(20.0, 300.0), default=120.0, show_default=True, envvar="RNNAE_BPM",
              help="Tempo in quarter notes a minute.")  # fmt: skip
@click.option("--metre", type=METRE, default="4/4", show_default=True, envvar="RNNAE_METRE",
              help="Beats of a bar, as 3/4 or 6/8.")  # fmt: skip
@click.option("--count-in", type=click.IntRange(0, 8), default=0, show_default=True, metavar="BARS",
              envvar="RNNAE_COUNT_IN", help="Clicks on channel 10 before a loop or a trade begins.")  # fmt: skip
@click.option("--send-clock", is_flag=True, envvar="RNNAE_SEND_CLOCK", help="Send MIDI clock to the out port.")
@click.option("--offset", type=click.FloatRange(-250.0, 250.0), default=0.0, show_default=True, metavar="MS",
              envvar="RNNAE_OFFSET", help="Send everything this much earlier, for sound that comes late.")  # fmt: skip
@click.option("-p", "--preset", "presets", multiple=True, type=PRESET, metavar="PRESET=WEIGHT", envvar="RNNAE_PRESETS",
              help="Put a preset into the next slot with a weight from 0 to 1; up to eight.")  # fmt: skip
@click.option("--follow", type=click.FloatRange(0.0, 1.0), default=SPECS["follow"].default, show_default=True,
              envvar="RNNAE_FOLLOW", help="Weight of the phrase that you play.")  # fmt: skip
@_named("--quantise", QUANTISE, "When a change of the mix is heard.")
@_named("--thru", THRU, "Pass on what you play at once.")
@click.option("--channel", type=click.IntRange(1, CHANNELS), envvar="RNNAE_CHANNEL",
              help="Listen to this MIDI channel only.")  # fmt: skip
@click.option("--out-channel", type=click.IntRange(1, CHANNELS), envvar="RNNAE_OUT_CHANNEL",
              help="Answer on this MIDI channel; without, on the one that you played on.")  # fmt: skip
@click.option("--rest", type=click.FloatRange(0.25, 16.0), default=2.0, show_default=True, metavar="BEATS",
              envvar="RNNAE_REST", help="Silence that ends a phrase.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 16383), default=0, show_default=True, envvar="RNNAE_SEED",
              help="Dice of temperatures above 0: the same seed plays the same.")  # fmt: skip
@click.option("--set", "settings", multiple=True, type=SETTING, metavar="NAME=VALUE",
              help="Set any parameter, as --set scale=dorian --set root=D --set swing=0.5.")  # fmt: skip
@click.option("--part", "more", multiple=True, metavar="WORDS",
              help="Another part on its own channel, as --part '2 loop Arirang=1 octave:-1'; up to 16.")  # fmt: skip
@click.option("--record", is_flag=True, envvar="RNNAE_RECORD",
              help="Keep the session as a MIDI file: what came in, what went out, what it was made of.")  # fmt: skip
@click.option("--osc", type=PLACE, default="off", show_default=True, metavar="PORT|off", envvar="RNNAE_OSC",
              help="Listen to OSC, as --osc 9010; rnnae-live osc --list has the addresses.")  # fmt: skip
@click.option("--osc-reply", type=click.IntRange(1, 65535), metavar="PORT", envvar="RNNAE_OSC_REPLY",
              help="Answer OSC on this port of the sender; without, on the one that it sends from.")  # fmt: skip
@click.option("--osc-open", is_flag=True, envvar="RNNAE_OSC_OPEN", help="Let other computers send OSC.")
@click.option("--page", type=PAGE, default="auto", show_default=True, metavar="PORT|off", envvar="RNNAE_PAGE",
              help="Port of the control page for a browser; auto takes the first free one from 7712 on.")  # fmt: skip
@click.option("--page-host", type=HOST, default="127.0.0.1", show_default=True, metavar="ADDRESS",
              envvar="RNNAE_PAGE_HOST", help="Address of the page; 0.0.0.0 lets other computers in, with a link that "
              "is printed.")  # fmt: skip
def command(
    *,
    backend: str,
    sources: tuple[str, ...],
    destinations: tuple[str, ...],
    control: str | None,
    bank: str | None,
    mode: str,
    sync: str,
    bpm: float,
    metre: str,
    count_in: int,
    send_clock: bool,
    offset: float,
    presets: tuple[str, ...],
    follow: float,
    quantise: str,
    thru: str,
    channel: int | None,
    out_channel: int | None,
    rest: float,
    seed: int,
    settings: tuple[str, ...],
    more: tuple[str, ...],
    record: bool,
    osc: str,
    osc_reply: int | None,
    osc_open: bool,
    page: str,
    page_host: str,
) -> None:
    """Play a phrase and rest, or send CC 85: the answer comes in tempo.

    On the port that your DAW sees, CC 20-27 turn up the presets in slots 1-8, CC 28 the phrase itself and CC 29 the
    temperature; CC 30 and 31 move between the presets in slots 1-4. CC 86 captures the phrase into a slot, CC 87 holds
    it open, CC 117 goes back to the mix before, CC 119 starts and stops, CC 120 and 123 silence everything, and a
    program change puts a preset into slot 1. What is turned while it plays is heard at once, or on the next line that
    --quantise names.
    """
    values = {"mode": spec("mode").named(mode), "follow": follow, "quantise": spec("quantise").named(quantise)}
    values.update(setting(text, "=") for text in settings)
    first = part(channel, out_channel, [preset_weight(text) for text in presets], values, rest, seed)
    options = LiveOptions(
        backend=backend,
        sources=sources,
        destinations=destinations,
        control=control,
        bank=bank,
        sync=sync,
        bpm=bpm,
        metre=beats(metre),
        count_in=count_in,
        send_clock=send_clock,
        offset=offset / 1000.0,
        thru=thru,
        parts=(first, *(another(text, rest, seed) for text in more)),
        record=record,
        osc=place(osc),
        osc_reply=osc_reply,
        osc_open=osc_open,
        page=page,
        page_host=page_host,
    )
    Front(options, say=say).run()


def part(
    channel_in: int | None,
    channel_out: int | None,
    presets: Sequence[tuple[str, float]],
    values: dict[str, float],
    rest: float,
    seed: int,
) -> dict[str, Any]:
    """Return the settings of a part as plain data; channels are 1-16 as performers count."""
    return {
        "channel_in": None if channel_in is None else channel_in - 1,
        "channel_out": None if channel_out is None else channel_out - 1,
        "presets": [list(one) for one in presets],
        "values": values,
        "rest_beats": rest,
        "seed": seed,
    }


def another(text: str, rest: float, seed: int) -> dict[str, Any]:
    """Return the part that words describe: a channel, a mode, presets with weights, parameters as ``name:value``.

    Raises:
        UsageError: the channel is missing, or a word cannot be read.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f'The part "{text}" cannot be read: {error}.') from None
    if not words or not words[0].isdigit() or not 1 <= int(words[0]) <= CHANNELS:
        raise UsageError(f"The part \"{text}\" begins with its channel, 1 to {CHANNELS}: --part '2 loop'.")
    values: dict[str, float] = {}
    presets: list[tuple[str, float]] = []
    for word in words[1:]:
        if word in MODES:
            values["mode"] = spec("mode").named(word)
        elif ":" in word and word.partition(":")[0] in SPECS:
            values.update([setting(word, ":")])
        else:
            presets.append(preset_weight(word))
    if "follow" not in values and presets:
        values["follow"] = 0.0 if values.get("mode") == spec("mode").named("loop") else SPECS["follow"].default
    channel = int(words[0])
    return part(channel, channel, presets, values, rest, seed)


def setting(text: str, sign: str) -> tuple[str, float]:
    """Return name and value of ``NAME=VALUE``; the value is a number in the parameter's range, or one of its words.

    Raises:
        UsageError: there is no such parameter, or it cannot have this value.
    """
    name, _, value = text.partition(sign)
    try:
        one = spec(name.strip())
    except ControlError as error:
        raise UsageError(str(error)) from None
    if one.choices:
        return one.name, one.named(value.strip())
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not one.minimum <= number <= one.maximum:
        raise UsageError(f"'{value}' is no {one.name}: it is a number from {one.minimum:g} to {one.maximum:g}.")
    return one.name, one.clamped(number)


def page_port(text: str) -> str:
    """Return the port of the control page as it is given: digits, "auto" or "off".

    Raises:
        UsageError: it is none.
    """
    if text in ("auto", "off") or (text.isascii() and text.isdecimal() and int(text[:6]) <= 65535):
        return text
    raise UsageError(f"'{text}' is no port for the page: give one as 7712, or auto, or off.")


def beats(text: str) -> tuple[int, int]:
    """Return numerator and denominator of a metre.

    Raises:
        UsageError: it is none.
    """
    above, _, below = text.partition("/")
    if above.isdigit() and 1 <= int(above) <= 32 and below in ("2", "4", "8", "16"):
        return int(above), int(below)
    raise UsageError(f"'{text}' is no metre: give one as 4/4, 3/4 or 6/8.")


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
    if text.startswith("ready:"):
        worked()
