"""Where Tab leads in a panel whose parts come and go: to what one sees next."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget


def stops(sections: tuple[QWidget, ...]) -> list[QWidget]:
    """What Tab reaches, section by section and line by line; of choices that exclude each other the
    one that is chosen, from which arrow keys lead on."""
    found = []
    for root in sections:
        places = [
            (at.y(), at.x(), i, widget)
            for i, widget in enumerate(root.findChildren(QWidget))
            if _is_stop(widget, root) and (at := widget.mapTo(root, QPoint(0, 0))) is not None
        ]
        found += [place[-1] for place in sorted(places, key=lambda place: place[:3])]
    return found


def _is_stop(widget: QWidget, root: QWidget) -> bool:
    if not widget.isVisibleTo(root) or not widget.isEnabled() or widget.focusProxy() is not None:
        return False
    if widget.window() is not root.window() or not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        return False
    exclusive = isinstance(widget, QAbstractButton) and widget.autoExclusive()
    return not exclusive or widget.isChecked()  # type: ignore[attr-defined]


def tab_within(root: QWidget, sections: tuple[QWidget, ...], *, forward: bool) -> bool:
    """Move the focus to the next stop in the ``sections`` of ``root``, or past ``root``; whether
    there was one."""
    now = QApplication.focusWidget()
    around, way = stops(sections), 1 if forward else -1
    if now in around:
        next_ = around.index(now) + way
        if 0 <= next_ < len(around):
            _give(around[next_], forward)
            return True
    at = now
    while at is not None:
        at = at.nextInFocusChain() if forward else at.previousInFocusChain()
        if at is now:
            return False
        if at is not None and not root.isAncestorOf(at) and _is_stop(at, at.window()):
            _give(at, forward)
            return True
    return False


def _give(widget: QWidget, forward: bool) -> None:
    reasons = Qt.FocusReason
    widget.setFocus(reasons.TabFocusReason if forward else reasons.BacktabFocusReason)
