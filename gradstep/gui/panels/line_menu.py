"""The menu of a line of source."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gradstep.gui.breakpoints.keeper import Breakpoints
from gradstep.gui.translation import translate
from gradstep.protocol.breakpoints import BreakOn, Breakpoint
from gradstep.protocol.trace import Place


class LineMenu(QMenu):
    """What can be done at ``place``: run to it, and its breakpoint. Deleted when closed."""

    def __init__(
        self,
        parent: QWidget,
        place: Place,
        breakpoints: Breakpoints,
        *,
        run: Callable[[], object] | None,
        edit: Callable[[int], object],
    ) -> None:
        super().__init__(parent)
        self.setObjectName("line_menu")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._place, self._breakpoints, self._edit = place, breakpoints, edit
        here = breakpoints.list.of_line(place.file, place.line)
        go = self._entry("line_run", translate("Source", "Run to this line"), run, "Ctrl+F10")
        go.setEnabled(run is not None)
        self.addSeparator()
        if here:
            self._entries_of(here[0])
        else:
            self._entry(
                "line_toggle", translate("Source", "Stop before this line"), self._toggle, "F9"
            )
            self._entry(
                "line_condition", translate("Source", "Stop here when…"), self._add_condition
            )

    def _entries_of(self, breakpoint: Breakpoint) -> None:
        id, change = breakpoint.id, self._breakpoints.change
        self._entry("line_toggle", translate("Source", "Remove breakpoint"), self._toggle, "F9")
        able = (
            translate("Source", "Disable breakpoint")
            if breakpoint.enabled
            else translate("Source", "Enable breakpoint")
        )
        self._entry("line_enable", able, lambda: change(id, enabled=not breakpoint.enabled))
        self._entry(
            "line_condition", translate("Source", "Edit condition…"), lambda: self._edit(id)
        )

    def _entry(
        self, name: str, text: str, do: Callable[[], object] | None, key: str = ""
    ) -> QAction:
        action = self.addAction(text)
        action.setObjectName(name)
        if key:
            # Shown only: the window's own action answers to the key.
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.setShortcutVisibleInContextMenu(True)
        if do is not None:
            action.triggered.connect(lambda: do())
        return action

    def _toggle(self) -> None:
        self._breakpoints.toggle_line(self._place.file, self._place.line)

    def _add_condition(self) -> None:
        place = self._place
        self._edit(self._breakpoints.add(BreakOn.LINE, file=place.file, line=place.line).id)
