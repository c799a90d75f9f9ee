"""What the last step did to a parameter, in one sentence with its numbers."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from gradstep.gui.numbers import MINUS, format_number
from gradstep.gui.theme import theme
from gradstep.gui.value.field_table import dress
from gradstep.gui.value.history import change_of, single
from gradstep.gui.value.words import words
from gradstep.phases import PHASE_INFO, Phase
from gradstep.protocol.trace import Change, Reason, Stop
from gradstep.protocol.values import Preview, ValueInfo, ValueKind

_LINES = 2
_PADDING = 6


def changed_by(stop: Stop | None, info: ValueInfo, field: str) -> Phase | None:
    """The phase that changed ``field`` of this value on the way to ``stop``; None if none did.
    Where several phases were passed, it follows from what is there now."""
    change = change_of(stop, info, field)
    if stop is None or change is None:
        return None
    if stop.reason in (Reason.STEP, Reason.PHASE) and stop.phase is not None:
        return stop.phase
    if field == "grad":
        return Phase.ZERO_GRAD if is_zero(change.after) else Phase.BACKWARD
    return Phase.UPDATE if info.kind is ValueKind.PARAMETER else Phase.FORWARD


def is_zero(shown: Preview | None) -> bool:
    """Whether nothing is there, or nothing but zeros."""
    if shown is None or shown.norm == 0:
        return True
    return shown.elements is not None and not any(shown.elements)


def sentence(stop: Stop | None, info: ValueInfo) -> str:
    """``Backward adds to .grad, it does not replace it: −2 + (−7.84) = −9.84``. Only of parameters;
    ``""`` for others, and while nothing has run."""
    if info.kind is not ValueKind.PARAMETER or stop is None or stop.reason is Reason.START:
        return ""
    said = []
    data, grad = change_of(stop, info, "data"), change_of(stop, info, "grad")
    if data is not None and changed_by(stop, info, "data") is Phase.UPDATE:
        said.append(_updated(data, info))
    if grad is not None:
        cleared = changed_by(stop, info, "grad") is Phase.ZERO_GRAD
        said.append(_cleared(grad) if cleared else _added(grad, info))
    if said:
        return " ".join(said)
    if stop.phase is not None and stop.reason is Reason.PHASE:
        return words("{0} left it unchanged.").format(words(PHASE_INFO[stop.phase].title))
    # Of what ran at full speed nobody knows.
    known = stop.reason in (Reason.STEP, Reason.REFUSED)
    return words("The last step left it unchanged.") if known else ""


def _updated(change: Change, info: ValueInfo) -> str:
    before, after = single(change.before), single(change.after)
    if not isinstance(before, float) or not isinstance(after, float):
        return words("Update changed data, using .grad.")
    step, gradient = after - before, single(info.grad)
    by = _number(step, info)
    by = by if by.startswith(MINUS) else f"+{by}"
    if isinstance(gradient, float) and gradient * step < 0:
        text = words("Update moved data by {0}, against its gradient {1}.")
        return text.format(by, _number(gradient, info))
    return words("Update moved data by {0}.").format(by)


def _added(change: Change, info: ValueInfo) -> str:
    before, after = single(change.before), single(change.after)
    if is_zero(change.before):
        if isinstance(after, float):
            return words("Backward stored {0} in .grad; data stays.").format(_number(after, info))
        return words("Backward stored the gradient in .grad; data stays.")
    if isinstance(before, float) and isinstance(after, float):
        text = words("Backward adds to .grad, it does not replace it: {0}")
        old, more, new = (_number(x, info) for x in (before, after - before, after))
        more = f"({more})" if more.startswith(MINUS) else more
        return text.format(f"{old} + {more} = {new}".replace(" ", "\N{NO-BREAK SPACE}"))
    return words("Backward added to what was in .grad; it does not replace it.")


def _cleared(change: Change) -> str:
    if change.after is None:
        return words("Zero grad set .grad to None; data stays.")
    return words("Zero grad set .grad to 0; data stays.")


def _number(x: float, info: ValueInfo) -> str:
    """Differences are rounded: that of two float32 numbers has more digits than either."""
    return format_number(float(f"{x:.6g}"), info.tensor.dtype)


class Happened(QLabel):
    """The sentence on the tint of its phase; the same height whatever it says."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value_happened")
        self.setFont(theme().font("small"))
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line = theme().size("type", "scale", "small")[1]
        self.setFixedHeight(_LINES * line + 2 * _PADDING)
        self._phase: Phase | None = None
        theme().changed.connect(self._dress)

    def show_step(self, stop: Stop | None, info: ValueInfo, past: bool) -> None:
        """What ``stop`` did to the parameter ``info``; hidden for values that no phase changes."""
        text = "" if past else sentence(stop, info)
        self.setText(text)
        self.setVisible(bool(text))
        fields = ("grad", "data")
        phases = [p for field in fields if (p := changed_by(stop, info, field)) is not None]
        self._phase = phases[0] if phases else None
        self._dress()

    def _dress(self) -> None:
        look, phase = theme(), self._phase
        ground = look.phase(phase).tint if phase else look.colour("sunken")
        ink = look.colour("text" if phase else "text_secondary")
        bar = look.phase(phase).solid if phase else look.colour("border_strong")
        dress(
            self,
            f"background: {_css(ground)}; color: {_css(ink)}; border: none;"
            f" border-left: 3px solid {_css(bar)}; padding: 0 10px;",
        )


def _css(colour: QColor) -> str:
    return colour.name(QColor.NameFormat.HexRgb)
