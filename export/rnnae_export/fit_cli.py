"""``rnnae-live fit``: a bank in which one state is one whole song."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnae_export.cli import PATH, RUNS

if TYPE_CHECKING:
    from rnnae_export.fit import Progress
    from rnnae_export.whole_songs import Stored

NAMED = 20
"""Songs that are named one by one; of more the number is said."""


@click.command(short_help="Make a bank in which one state is one whole song.")
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="SONGS...")
@click.option("--name", required=True, help="Name of the run, a folder under runs/, and of the bank.")
@click.option("--start", type=PATH, help="Begin with the model of this bank; by default the factory bank.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=30.0, show_default=True,
              help="Time for fitting; it ends earlier where every song is right.")  # fmt: skip
@click.option("--bank", type=PATH, help="Write the bank here; by default into the run's folder.")
@click.option("--runs", type=PATH, default=RUNS, show_default=True, help="Where runs are kept.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the first states and of the batches.")
@click.option("--licence", default="", help="Licence of the bank.")
def fit(sources: tuple[Path, ...], name: str, start: Path | None, minutes: float, bank: Path | None, runs: Path,
        seed: int, licence: str) -> None:  # fmt: skip
    """Fit songs (folders, zip files, MIDI files, JSON lists) so that the state of each is the whole song.

    Each song gets one state vector, and the decoder is tuned together with all of them until every song comes back note
    for note. Only what is exact is stored: as one state, else as a chain of states. A fit that was stopped goes on when
    the same command is given again, with more --minutes if they were used up.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from rnnae_export import whole_songs
    from rnnae_export.convert import read_weights
    from rnnae_export.fit import Fitting, title
    from rnnae_export.fit import fit as tune
    from rnnae_export.network import AutoEncoder
    from rnnae_live.model import Model
    from rnnae_live.presets import factory
    from rnnae_live.tokens import Vocabulary

    folder = start or factory()
    model = Model.load(folder)
    songs, dropped = whole_songs.read_songs(sources)
    spelled = [song.tokens for song in songs if song.fits_one_state]
    _say_songs(len(songs), len(spelled), dropped)
    net = AutoEncoder(Vocabulary(), model.units, seed, model.manifest.order)
    net.load(read_weights(folder, model))
    run, begun = runs / name, time.process_time()
    fitting = Fitting(seed=seed, start=model.model_id, songs=title(spelled))
    try:
        states = whole_songs.around_the_mean(model, len(spelled), seed)
        fitted = tune(run, net, spelled, states, fitting, minutes, _say_progress)
    except KeyboardInterrupt:
        click.echo(f"Stopped; {run} is kept. The same command goes on from here.")
        raise click.exceptions.Exit(130) from None
    click.echo(f"Fitted in {time.process_time() - begun:.0f} CPU seconds. The bank is being made and checked.")
    training = {"songs": len(spelled), "seed": seed, "sources": [source.name for source in sources]}
    about = {"name": name, "licence": licence, "training": training}
    target = bank or run / "bank"
    _say_stored(whole_songs.build_bank(target, net, model, songs, fitted.states, about), minutes)
    click.echo(f"The bank is {target}. Play it: rnnae-live live --bank {target}")


def _say_songs(songs: int, fitted: int, dropped: dict[str, str]) -> None:
    click.echo(f"{songs:,} songs, {len(dropped):,} dropped.")
    for name, why in dropped.items():
        click.echo(f"  {name}: {why}")
    if songs > fitted:
        click.echo(f"{songs - fitted:,} of them are too long for one state and are tried as chains of states.")


def _say_progress(line: Progress) -> None:
    left = time.strftime("%H:%M:%S", time.gmtime(line.left))
    click.echo(f"round {line.round:5}   {line.right:,} of {line.songs:,} songs right   "
               f"{line.loss:.4f} nats a note of those learned   at most {left} left")  # fmt: skip


def _say_stored(stored: Stored, minutes: float) -> None:
    outcomes = stored.outcomes
    tried = [o for o in outcomes if o.wrong is not None]
    whole = [o for o in outcomes if o.states == 1]
    click.echo(f"{len(whole):,} of {len(outcomes):,} songs are one state each and return note for note.")
    others = [o for o in outcomes if o.states != 1]
    for outcome in others[:NAMED]:
        differ = "too long for one state" if outcome.wrong is None else (
            f"{outcome.wrong} of {outcome.notes} notes differ from one state")  # fmt: skip
        kept = f"stored as a chain of {outcome.states} states, exact" if outcome.states else "not stored"
        click.echo(f"  {outcome.name}: {differ}; {kept}")
    if len(others) > NAMED:
        lost = sum(o.states == 0 for o in others)
        click.echo(
            f"  and {len(others) - NAMED:,} more; of all, {len(others) - lost:,} are chains, {lost:,} not stored"
        )
    if any(o.wrong for o in tried):
        click.echo(f"The same command with more than {minutes:g} --minutes goes on.")
    click.echo(f"What it costs: of two bars that are played, every note is right in {stored.after:.1%} of the phrases, "
               f"with the model that it began with in {stored.before:.1%}.")  # fmt: skip
