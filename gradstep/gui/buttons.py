"""Painted buttons of the toolbar. Each shows one action; its look comes from the theme's tokens."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QAction,
    QColor,
    QFocusEvent,
    QFontMetrics,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QComboBox, QSizePolicy, QWidget

from gradstep.gui import icons
from gradstep.gui.progress import PhaseProgress, Standing
from gradstep.gui.theme import theme
from gradstep.phases import Phase, PhaseInfo

ICON = 16
GAP = 6
INSET = 10
"""Space left and right inside a flat button."""


REST = "centre"
"""The object's name of the widget that has the keyboard when no control has."""
KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class ActionButton(QAbstractButton):
    """Icon and word of an action, without a frame. ``compact`` leaves the icon alone."""

    def __init__(self, action: QAction, icon: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.action, self.icon_name, self.compact = action, icon, 0
        self.weight = 500
        self.ringed = self._awaited = False
        self.setObjectName(f"button_{action.objectName()}")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, True)
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        theme().changed.connect(self.update)
        self._follow()

    def _follow(self) -> None:
        action = self.action
        self.setText(action.text())
        self.setAccessibleName(action.text())
        self.setToolTip(action.toolTip())
        self._enable(action.isEnabled())
        self.update()

    def _enable(self, enabled: bool) -> None:
        """A button that is disabled would hand the keyboard to its neighbour, and Space would do
        something else when it comes back: the keyboard waits for it instead."""
        centre = self.window().findChild(QWidget, REST)
        if not enabled and self.hasFocus() and centre is not None:
            self._awaited = True
            centre.setFocus()
        self.setEnabled(enabled)
        if enabled and self._awaited:
            self._awaited = False
            if centre is not None and centre.hasFocus():
                self.setFocus(Qt.FocusReason.TabFocusReason)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.ringed = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def set_compact(self, compact: int) -> None:
        if compact != self.compact:
            self.compact = compact
            self.updateGeometry()

    def width_when(self, compact: int) -> int:
        """Its width with or without its word."""
        if compact:
            return int(theme().size("control", "button"))
        font = theme().font("body", weight=self.weight)
        return INSET + ICON + GAP + QFontMetrics(font).horizontalAdvance(self.text()) + INSET

    def sizeHint(self) -> QSize:
        return QSize(self.width_when(self.compact), theme().size("control", "button"))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def background(self) -> QColor | None:
        if not self.isEnabled():
            return None
        if self.isDown():
            return theme().colour("selected_background")
        return theme().colour("hover") if self.underMouse() else None

    def ink(self) -> QColor:
        return theme().colour("text" if self.isEnabled() else "text_disabled")

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = theme().size("radius", "control")
        background = self.background()
        if background is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(background)
            painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        ink = self.ink()
        left = (self.width() - ICON) / 2 if self.compact else INSET
        icons.paint(
            painter, self.icon_name, QRectF(left, (self.height() - ICON) / 2, ICON, ICON), ink
        )
        if not self.compact:
            painter.setFont(theme().font("body", weight=self.weight))
            painter.setPen(ink)
            painter.drawText(
                QRectF(INSET + ICON + GAP, 0, self.width(), self.height()),
                Qt.AlignmentFlag.AlignVCenter,
                self.text(),
            )
        if self.hasFocus() and self.ringed:
            focus_ring(painter, QRectF(self.rect()), radius)


class StepButton(ActionButton):
    """Filled with the solid colour of the phase of the next operation."""

    def __init__(self, action: QAction, icon: str, parent: QWidget) -> None:
        self.phase: Phase | None = None
        super().__init__(action, icon, parent)
        self.weight = 600

    def show_next(self, phase: Phase | None) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.update()

    def width_when(self, compact: int) -> int:
        return super().width_when(compact) + (0 if compact else 8)

    def background(self) -> QColor | None:
        if not self.isEnabled():
            return theme().colour("hover")
        if self.phase is None:
            solid = theme().colour("selection_ring_and_primary_button")
        else:
            solid = theme().phase(self.phase).solid
        if self.isDown():
            return solid.darker(118)
        return solid.lighter(108) if self.underMouse() else solid

    def ink(self) -> QColor:
        if not self.isEnabled():
            return theme().colour("text_disabled")
        if self.phase is None:
            return theme().colour("text_on_selection")
        return theme().phase(self.phase).on_solid


class PhaseButton(ActionButton):
    """One of the four, joined to its neighbours: icon, word, key, and below, how far it is.
    ``compact``: 1 leaves out the key, 2 the icon, too, 3 the word instead."""

    def __init__(self, action: QAction, info: PhaseInfo, first: bool, last: bool, parent: QWidget):
        self.info, self.first, self.last = info, first, last
        self.progress = PhaseProgress()
        self.warning = ""
        super().__init__(action, info.icon, parent)
        self.weight = 600

    def warn(self, words: str) -> None:
        """A triangle in the place of the key: the program leaves this phase out."""
        self.warning = words
        self._follow()

    def set_compact(self, compact: int) -> None:
        super().set_compact(compact)
        self._follow()

    def _follow(self) -> None:
        super()._follow()
        if self.compact == 3:
            self.setToolTip(f"{self.text()}: {self.toolTip()}")
        if self.warning:
            self.setToolTip(f"{self.warning}\n{self.toolTip()}")
            self.setAccessibleDescription(self.warning)
        else:
            self.setAccessibleDescription("")

    def show_progress(self, progress: PhaseProgress) -> None:
        if progress != self.progress:
            self.progress = progress
            self.update()

    def width_when(self, compact: int) -> int:
        words = QFontMetrics(theme().font("body", weight=600)).horizontalAdvance(self.text())
        if compact:
            return (14 + ICON + 8 + words + 14, INSET + words + INSET, 14 + ICON + 14)[compact - 1]
        cap = theme().size("control", "key_cap")
        return int(
            max(theme().size("control", "phase_button")[0], 14 + 16 + 8 + words + 8 + cap + 9)
        )

    def sizeHint(self) -> QSize:
        height = theme().size("control", "phase_button")[1]
        return QSize(self.width_when(self.compact), height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look, colours = theme(), theme().phase(self.info.phase)
        outline = self._outline()
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), self._fill())
        self._paint_bar(painter, colours.solid, colours.border)
        painter.setClipping(False)
        painter.setPen(QPen(look.colour("border_strong"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(outline)
        enabled = self.isEnabled()
        begun = self.progress.standing is not Standing.WAITING
        words = colours.text if begun else look.colour("text")
        disabled = look.colour("text_disabled")
        middle = (self.height() - 1) / 2
        if self.compact != 2:
            at = QRectF(14, middle - ICON / 2, ICON, ICON)
            icons.paint(painter, self.info.icon, at, colours.text if enabled else disabled)
        if self.compact < 3:
            painter.setFont(look.font("body", weight=600))
            painter.setPen(words if enabled else disabled)
            left = INSET if self.compact == 2 else 14 + ICON + 8
            box = QRectF(left, 0, self.width(), self.height() - 1)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self.text())
        if not self.compact:
            self._paint_key(painter, middle)
        elif self.warning:
            corner = QRectF(self.width() - 13, 2, 11, 11)
            icons.paint(painter, "warning", corner, look.colour("warning_icon"))
        if self.hasFocus() and self.ringed:
            focus_ring(painter, QRectF(self.rect()), look.size("radius", "control"))

    def _fill(self) -> QColor:
        if self.isEnabled() and self.isDown():
            return theme().colour("selected_background")
        if self.progress.standing is Standing.BEGUN:
            return theme().phase(self.info.phase).tint
        if self.isEnabled() and self.underMouse():
            return theme().colour("hover")
        return theme().colour("panel")

    def _outline(self) -> QPainterPath:
        """Rounded only at the ends of the row; the right edge is the neighbour's left one."""
        right = self.width() - 0.5 if self.last else self.width() + 0.5
        box = QRectF(QPointF(0.5, 0.5), QPointF(right, self.height() - 0.5))
        radius = theme().size("radius", "control")
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        path.addRoundedRect(box, radius, radius)
        if not self.first:
            path.addRect(QRectF(box.left(), box.top(), radius, box.height()))
        if not self.last:
            path.addRect(QRectF(box.right() - radius, box.top(), radius, box.height()))
        return path.simplified()

    def _paint_bar(self, painter: QPainter, solid: QColor, border: QColor) -> None:
        if self.progress.standing is Standing.WAITING:
            return
        height = theme().size("control", "phase_progress_bar")
        bar = QRectF(0, self.height() - height, self.width(), height)
        if self.progress.fraction is None:
            painter.fillRect(bar, border)  # begun; how long it is, nobody knows
            return
        bar.setWidth(self.width() * self.progress.fraction)
        painter.fillRect(bar, solid)

    def _paint_key(self, painter: QPainter, middle: float) -> None:
        cap = theme().size("control", "key_cap")
        box = QRectF(self.width() - cap - 9.5, middle - cap / 2, cap, cap)
        if self.warning:
            inner = box.adjusted(1, 1, -1, -1)
            icons.paint(painter, "warning", inner, theme().colour("warning_icon"))
            return
        paint_key_cap(painter, box, self.info.key, self.isEnabled())


class FieldBox(QComboBox):
    """A choice with its name in the frame: ``Speed  4 per s``."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.name, self.compact, self.ringed = name, 0, False
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, True)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        theme().changed.connect(self.update)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.ringed = event.reason() in KEYBOARD
        super().focusInEvent(event)

    def set_compact(self, compact: int) -> None:
        if compact != self.compact:
            self.compact = compact
            self.updateGeometry()

    def width_when(self, compact: int) -> int:
        metrics = QFontMetrics(theme().font("body", weight=500))
        widest = max(
            (metrics.horizontalAdvance(self.itemText(i)) for i in range(self.count())), default=24
        )
        name = QFontMetrics(theme().font("small")).horizontalAdvance(self.name) + 8
        return INSET + (0 if compact else name) + min(widest, 140) + 8 + ICON + 8

    def sizeHint(self) -> QSize:
        return QSize(self.width_when(self.compact), theme().size("control", "button"))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look, enabled = theme(), self.isEnabled()
        radius = look.size("radius", "control")
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        over = enabled and self.underMouse()
        painter.setBrush(look.colour("hover" if over else "panel"))
        painter.setPen(QPen(look.colour("control_outline" if enabled else "border"), 1))
        painter.drawRoundedRect(box, radius, radius)
        left = INSET
        if not self.compact:
            painter.setFont(look.font("small"))
            painter.setPen(look.colour("text_secondary"))
            painter.drawText(box.adjusted(left, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.name)
            left += QFontMetrics(look.font("small")).horizontalAdvance(self.name) + 8
        font = look.font("body", weight=500)
        painter.setFont(font)
        # Not to be chosen, yet to be read: it says where the program computes.
        ink = look.colour("text" if enabled else "text_secondary")
        painter.setPen(ink)
        room = self.width() - left - 8 - ICON - 6
        text = QFontMetrics(font).elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, int(room)
        )
        painter.drawText(
            QRectF(left, 0, room + 2, self.height()), Qt.AlignmentFlag.AlignVCenter, text
        )
        arrow = QRectF(self.width() - ICON - 8, (self.height() - ICON) / 2, ICON, ICON)
        icons.paint(
            painter, "chevron_down", arrow, ink if enabled else look.colour("text_disabled")
        )
        if self.hasFocus() and self.ringed:
            focus_ring(painter, QRectF(self.rect()), radius)


def focus_ring(painter: QPainter, rect: QRectF, radius: float) -> None:
    """The 2 px ink ring inside ``rect`` that shows where the keyboard is."""
    width = theme().size("stroke", "selection")
    half = width / 2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().colour("selection_ring_and_primary_button"), width))
    painter.drawRoundedRect(rect.adjusted(half, half, -half, -half), radius, radius)


def paint_key_cap(painter: QPainter, box: QRectF, key: str, enabled: bool = True) -> None:
    """A key as it looks on a keyboard: a letter in a small box."""
    look = theme()
    painter.setBrush(look.colour("sunken"))
    painter.setPen(QPen(look.colour("border"), 1))
    painter.drawRoundedRect(box, 3, 3)
    painter.setFont(look.font("caption", code=True))
    painter.setPen(look.colour("text_secondary" if enabled else "text_disabled"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, key)
