"""What all cards share: a frame, a title, and parts below each other."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from gradstep.gui.theme import theme


class Card(QWidget):
    """``parts`` is its layout; ``title`` one sentence."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.title = Words("card_title", weight=600)
        self.parts = QVBoxLayout(self)
        padding = theme().size("space", "card_padding")
        self.parts.setContentsMargins(padding, padding - 2, padding, padding - 2)
        self.parts.setSpacing(8)
        self.parts.addWidget(self.title)
        theme().changed.connect(self.update)

    def add(self, widget: QWidget) -> None:
        self.parts.addWidget(widget)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, look = QPainter(self), theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(look.colour("border"))
        painter.setBrush(look.colour("raised"))
        radius = look.size("radius", "card")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)


class Words(QLabel):
    """Running text; hidden while it is empty."""

    def __init__(self, role: str = "small", *, weight: int = 400, quiet: bool = False) -> None:
        super().__init__()
        self.setFont(theme().font(role, weight=weight))
        self.setWordWrap(True)
        if quiet:
            self.setProperty("quiet", True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.hide()

    def say(self, text: str) -> None:
        self.setText(text)
        self.setVisible(bool(text))


class Hairline(QWidget):
    """Between two parts."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(1)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), theme().colour("border"))
