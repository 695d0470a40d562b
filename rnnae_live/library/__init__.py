"""The library: presets in their files, found quickly, changed safely, without a model.

files -> [library] -> presets

``record`` is what one file holds, ``preset`` what is known of it without reading it whole, ``catalogue`` remembers
that for a folder, ``shelf`` changes a folder so that nothing is lost, ``library`` puts the factory's songs and the
user's own together: names, programs, slots, tags.
"""

from rnnae_live.library.library import Library as Library
from rnnae_live.library.names import clean_name as clean_name
from rnnae_live.library.numbers import shown_program as shown_program
from rnnae_live.library.preset import Preset as Preset
from rnnae_live.library.preset import read_preset as read_preset
from rnnae_live.library.record import SCHEMA as SCHEMA
from rnnae_live.library.record import LinkRecord as LinkRecord
from rnnae_live.library.record import Record as Record
from rnnae_live.library.record import Scene as Scene
from rnnae_live.library.shelf import BACKUP as BACKUP
from rnnae_live.library.shelf import SONGS as SONGS
from rnnae_live.library.shelf import TRASH as TRASH
from rnnae_live.library.shelf import factory as factory
