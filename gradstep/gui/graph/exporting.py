"""All of the graph in a file: SVG, PDF (text stays text) or PNG, in the colours that are shown."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSizeF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from gradstep.gui.export import PICTURES, ask_for_file, write_picture
from gradstep.gui.graph.paint.painter import paint
from gradstep.gui.graph.paint.pens import ink
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.translation import translate

MARGIN = 24.0


def ask(parent: QWidget, picture: Picture) -> None:
    """Let the person choose a file, and write it."""
    title = translate("Graph", "Export the graph")
    ask_for_file(parent, title, "graph", PICTURES, lambda path: export(picture, Path(path)))


def export(picture: Picture, path: Path) -> None:
    """Write all of ``picture`` to ``path``; its suffix says how. Raises ``OSError`` if it cannot be
    written, ``ValueError`` for another suffix.

    Everything with its numbers, as at 100 %. What is chosen or searched for is not marked: that is
    the reader's."""
    bounds = picture.placement.bounds
    room = QRectF(bounds.left, bounds.top, bounds.width, bounds.height)
    room = room.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)

    def whole(painter: QPainter, size: QSizeF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(0, 0, size.width(), size.height()), ink("canvas"))
        painter.translate(-room.left(), -room.top())
        paint(painter, picture, [room], 1.0)

    selected, found = picture.selected, picture.found
    picture.selected, picture.found = "", None
    try:
        write_picture(str(path), whole, room.size(), translate("Graph", "Graph"))
    finally:
        picture.selected, picture.found = selected, found
