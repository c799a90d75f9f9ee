"""The actions that let the program go on or stop it."""

from __future__ import annotations

from gradstep.gui.action import (
    Action,
    can_advance,
    can_pause,
    can_restart,
    can_run_to_line,
    can_stop,
    has_line,
)
from gradstep.gui.translation import QT_TRANSLATE_NOOP
from gradstep.phases import PHASES, PhaseInfo
from gradstep.protocol.trace import Goal


def _phase(info: PhaseInfo) -> Action:
    goal = Goal(info.phase)
    return Action(
        info.phase.value,
        info.title,
        lambda host: host.session.advance(goal),
        keys=(info.key,),
        icon=info.icon,
        tip=info.tip,
        enabled_when=can_advance,
        context="Phases",
    )


def _advance(
    id: str,
    text: str,
    tip: str,
    key: str,
    *,
    icon: str = "",
    section: int = 1,
    repeats: bool = False,
    goal: Goal | None = None,
) -> Action:
    """Go on to a goal, by default the one that is called like the action."""
    wanted = goal or Goal(id)
    return Action(
        id,
        text,
        lambda host: host.session.advance(wanted),
        keys=(key,),
        icon=icon,
        section=section,
        tip=tip,
        enabled_when=can_advance,
        repeats=repeats,
    )


RUNNING: tuple[Action, ...] = (
    *(_phase(info) for info in PHASES),
    _advance(
        "step",
        QT_TRANSLATE_NOOP("Actions", "Step"),
        QT_TRANSLATE_NOOP("Actions", "Execute the marked operation; hold the key to go on"),
        "F10",
        icon="step",
        repeats=True,
    ),
    _advance(
        "into",
        QT_TRANSLATE_NOOP("Actions", "Into"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the next line or operation, however deep it lies"),
        "F11",
        icon="into",
        repeats=True,
    ),
    _advance(
        "over",
        QT_TRANSLATE_NOOP("Actions", "Over"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the next line or operation that is no deeper"),
        "F8",
        icon="over",
        repeats=True,
    ),
    _advance(
        "out",
        QT_TRANSLATE_NOOP("Actions", "Out"),
        QT_TRANSLATE_NOOP("Actions", "Go on until this module or function has returned"),
        "Shift+F11",
        icon="out",
        repeats=True,
    ),
    _advance(
        "iteration",
        QT_TRANSLATE_NOOP("Actions", "Iteration"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the end of this iteration"),
        "I",
        icon="iteration",
        section=2,
        repeats=True,
    ),
    _advance(
        "epoch",
        QT_TRANSLATE_NOOP("Actions", "Epoch"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the beginning of the next epoch"),
        "E",
        section=2,
    ),
    Action(
        "run",
        QT_TRANSLATE_NOOP("Actions", "Run"),
        lambda host: host.session.advance(Goal.RUN),
        keys=("F5",),
        icon="run",
        section=3,
        tip=QT_TRANSLATE_NOOP("Actions", "Go on to the end of the program, at the chosen speed"),
        enabled_when=lambda context: can_advance(context) and not context.playing,
    ),
    Action(
        "run_to_cursor",
        QT_TRANSLATE_NOOP("Actions", "Run to cursor"),
        lambda host: host.run_to_cursor(),
        keys=("Ctrl+F10",),
        section=3,
        tip=QT_TRANSLATE_NOOP("Actions", "Go on to the line that is selected in the source"),
        enabled_when=can_run_to_line,
    ),
    _advance(
        "run_to_nan",
        QT_TRANSLATE_NOOP("Actions", "Run to NaN"),
        QT_TRANSLATE_NOOP("Actions", "Go on to the first operation that makes a NaN or Inf"),
        "Ctrl+F5",
        section=3,
        goal=Goal.NAN,
    ),
    Action(
        "toggle_breakpoint",
        QT_TRANSLATE_NOOP("Actions", "Toggle breakpoint"),
        lambda host: host.toggle_breakpoint(),
        keys=("F9",),
        section=4,
        tip=QT_TRANSLATE_NOOP("Actions", "Stop before the line that is selected, or no longer"),
        enabled_when=has_line,
    ),
    Action(
        "pause",
        QT_TRANSLATE_NOOP("Actions", "Pause"),
        lambda host: host.session.pause(),
        keys=("F6",),
        icon="pause",
        section=5,
        tip=QT_TRANSLATE_NOOP("Actions", "Stop as soon as possible and look"),
        enabled_when=can_pause,
    ),
    Action(
        "stop",
        QT_TRANSLATE_NOOP("Actions", "Stop"),
        lambda host: host.session.stop_program(),
        keys=("Shift+F5",),
        icon="stop",
        section=5,
        tip=QT_TRANSLATE_NOOP("Actions", "End the program, whatever it is doing"),
        enabled_when=can_stop,
        attached=(
            QT_TRANSLATE_NOOP("Actions", "Detach"),
            QT_TRANSLATE_NOOP("Actions", "Let the program go on without gradstep"),
        ),
    ),
    Action(
        "restart",
        QT_TRANSLATE_NOOP("Actions", "Restart"),
        lambda host: host.session.restart(),
        keys=("Ctrl+Shift+F5",),
        icon="restart",
        section=5,
        tip=QT_TRANSLATE_NOOP("Actions", "Start the program again from its beginning"),
        enabled_when=can_restart,
    ),
)
