"""Control: what can be turned and pressed, and which control of which controller does it.

events -> [control: sources -> mapping -> takeover -> surface] -> engine

``specs`` and ``actions`` are the tables of everything that can be moved; ``sources`` reads what a controller sends,
``encoders`` its endless knobs; ``mapping`` says what moves what, ``learn`` finds it out, ``profiles`` know it of some
controllers, ``store`` keeps it. ``surface`` puts one port together, with ``takeover`` and the ``mirror`` that shows
values on the controller, on a ``display`` of its own where it has one; ``programs`` reads program changes. ``surfaces``
are all ports, and the maps that presets bring.

*Threading*: none here; one thread a surface. *Errors*: ``ControlError``; none while playing.
"""

from rnnae_live.control.actions import ACTIONS, Action, Press, action
from rnnae_live.control.mapping import DEFAULT_BUTTONS, DEFAULT_MAP, Assignment, ControlMap, Way
from rnnae_live.control.programs import ProgramLatch, Select
from rnnae_live.control.specs import (
    DIRECTIONS,
    MODES,
    PART_SPECS,
    QUANTISE,
    SHARED_SPECS,
    SLOTS,
    SPECS,
    THRU,
    Curve,
    Spec,
    initial,
    spec,
    weight_name,
)
from rnnae_live.control.surface import Move, Surface, Turn
from rnnae_live.control.surfaces import Surfaces
from rnnae_live.control.takeover import Mode

__all__ = [
    "ACTIONS",
    "DEFAULT_BUTTONS",
    "DEFAULT_MAP",
    "DIRECTIONS",
    "MODES",
    "PART_SPECS",
    "QUANTISE",
    "SHARED_SPECS",
    "SLOTS",
    "SPECS",
    "THRU",
    "Action",
    "Assignment",
    "ControlMap",
    "Curve",
    "Mode",
    "Move",
    "Press",
    "ProgramLatch",
    "Select",
    "Spec",
    "Surface",
    "Surfaces",
    "Turn",
    "Way",
    "action",
    "initial",
    "spec",
    "weight_name",
]
