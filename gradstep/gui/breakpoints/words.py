"""What a breakpoint is about, in words."""

from __future__ import annotations

from pathlib import Path

from gradstep.gui.translation import QT_TRANSLATE_NOOP, translate
from gradstep.phases import PHASE_INFO, Phase
from gradstep.protocol.breakpoints import BreakOn, Breakpoint, BreakpointState

KINDS: dict[BreakOn, str] = {
    BreakOn.LINE: QT_TRANSLATE_NOOP("Breakpoints", "line"),
    BreakOn.OPERATION: QT_TRANSLATE_NOOP("Breakpoints", "operation"),
    BreakOn.MODULE: QT_TRANSLATE_NOOP("Breakpoints", "module"),
    BreakOn.NODE: QT_TRANSLATE_NOOP("Breakpoints", "backward of"),
    BreakOn.PHASE: QT_TRANSLATE_NOOP("Breakpoints", "end of"),
    BreakOn.ITERATION: QT_TRANSLATE_NOOP("Breakpoints", "iteration"),
}
"""The words before what is named."""


def kind_of(on: BreakOn) -> str:
    return translate("Breakpoints", KINDS[on])


def phase_name(phase: Phase | None) -> str:
    if phase is None:
        return translate("Breakpoints", "any phase")
    return translate("Phases", PHASE_INFO[phase].title)


def what(breakpoint: Breakpoint, line: int = 0, main: str = "") -> tuple[str, str]:
    """Kind and name: ``line`` and ``10``, ``operation`` and ``log``. ``line``: where it really
    sits; a file other than ``main`` is named."""
    on = breakpoint.on
    if on is BreakOn.LINE:
        number = str(line or breakpoint.line)
        other = breakpoint.file != main and main
        name = f"{Path(breakpoint.file).name}:{number}" if other else number
    elif on is BreakOn.PHASE:
        name = phase_name(breakpoint.phase)
    elif on is BreakOn.ITERATION:
        name = str(breakpoint.iteration)
    else:
        name = breakpoint.pattern
    return kind_of(on), name


def sentence(breakpoint: Breakpoint, line: int = 0, main: str = "") -> str:
    """``line 10, w.grad.norm() > 10``."""
    words = " ".join(what(breakpoint, line, main))
    return f"{words}, {breakpoint.condition}" if breakpoint.condition else words


def explain(breakpoint: Breakpoint, state: BreakpointState) -> str:
    """All there is to know of it, as its mark's tooltip."""
    say = translate
    words = (
        say("Breakpoints", "Stops here")
        if breakpoint.enabled
        else say("Breakpoints", "A breakpoint that is disabled")
    )
    if breakpoint.condition:
        words += say("Breakpoints", " when {0}").format(breakpoint.condition)
    if breakpoint.ignore:
        words += say("Breakpoints", " from hit {0} on").format(breakpoint.ignore + 1)
    if state.hits:
        words += say("Breakpoints", "; hits so far: {0}").format(state.hits)
    return f"{words}. {state.problem}" if state.problem else f"{words}."


def condition_tip() -> str:
    """What may be written as a condition."""
    return translate(
        "Breakpoints",
        "A Python expression in the program's own names, such as  w.grad.norm() > 10.\n"
        "At a node of backward, grad is the gradient that arrives.",
    )
