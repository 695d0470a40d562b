"""Presets and banks: songs kept as chains of states, in readable files beside the model that made them.

melody -> mixer, refine -> [presets] -> mixer

A bank is a folder: a model's bundle and ``songs/``, one JSON file a preset. The factory bank is read-only; what a
user saves goes to the user's own folder, or into the bank that was named. A preset holds the notes that it came from
as well, so a new model can encode it again and nothing that was stored dies. It is written only after the shipped
decoder has returned it note for note, or with ``exact: false`` where that was asked for.

``bank`` is a library with its model, ``making`` turns melodies and mixes into presets, ``pack`` takes banks and
presets from one computer to another.
"""

from rnnae_live.library import SONGS as SONGS
from rnnae_live.library import TRASH as TRASH
from rnnae_live.library import Preset as Preset
from rnnae_live.library import clean_name as clean_name
from rnnae_live.library import factory as factory
from rnnae_live.library import read_preset as read_preset
from rnnae_live.presets.bank import Bank as Bank
from rnnae_live.presets.making import blend as blend
from rnnae_live.presets.making import keep as keep
from rnnae_live.presets.making import make as make
