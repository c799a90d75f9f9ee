"""The frame that all panels share: a title row, tools at its right, a body below."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gradstep.gui.icons import icon
from gradstep.gui.theme import theme


class Panel(QWidget):
    """A titled panel. Subclasses put their widgets into ``self.body`` (a ``QVBoxLayout`` without
    margins) and their tool buttons into the title row with ``add_tool`` or ``add_to_title``."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.title_row = TitleRow(title, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.title_row)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        layout.addLayout(self.body, 1)

    def set_title(self, title: str, subtitle: str = "") -> None:
        """The panel's name in bold, and beside it, quieter, what it shows."""
        self.setAccessibleName(title)
        self.title_row.set_text(title, subtitle)

    def add_tool(self, icon_name: str, tip: str, *, checkable: bool = False) -> QToolButton:
        """A 24 px icon button at the right of the title row. ``tip`` is its accessible name."""
        button = QToolButton(self.title_row)
        button.setIcon(icon(icon_name))
        button.setIconSize(QSize(16, 16))
        side = theme().size("control", "icon_button")
        button.setFixedSize(side, side)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setCheckable(checkable)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.add_to_title(button)
        return button

    def add_bar(self, bar: QWidget) -> None:
        """A bar between the title row and the body, over the full width."""
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.insertWidget(1, bar)

    def set_titled(self, titled: bool) -> None:
        """Without its title row, for a panel that stands in a tab."""
        self.title_row.setVisible(titled)

    def add_to_title(self, widget: QWidget) -> None:
        """Any small widget at the right of the title row, after those already there."""
        self.title_row.layout_.addWidget(widget)


class TitleRow(QWidget):
    """32 px, bold title, quiet subtitle (elided when there is no room), a hairline below."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(theme().size("window", "panel_title"))
        self._title = QLabel(title)
        self._title.setFont(theme().font("body", weight=600))
        self._subtitle = ElidedLabel()
        self._subtitle.setProperty("quiet", True)
        self.layout_ = QHBoxLayout(self)
        padding = theme().size("space", "panel_padding")
        self.layout_.setContentsMargins(padding, 0, padding - 8, 1)
        self.layout_.setSpacing(8)
        self.layout_.addWidget(self._title)
        self.layout_.addWidget(self._subtitle, 1)

    def set_text(self, title: str, subtitle: str) -> None:
        self._title.setText(title)
        self._subtitle.setText(subtitle)

    def text(self) -> tuple[str, str]:
        return self._title.text(), self._subtitle.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        look = theme()
        painter.fillRect(self.rect(), look.colour("window"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, look.colour("border"))


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis when it is too long, with the whole text as tooltip."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.elide = Qt.TextElideMode.ElideRight
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), self.elide, self.width())
        self.setToolTip(self.text() if text != self.text() else "")
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), text)
