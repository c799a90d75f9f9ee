"""All of the graph in a file: SVG, PDF (text stays text) or PNG, in the colours that are shown."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QImageWriter, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from gradstep.gui.graph.paint.painter import paint
from gradstep.gui.graph.paint.pens import ink
from gradstep.gui.graph.paint.picture import Picture
from gradstep.gui.translation import translate

MARGIN = 24.0
DOTS = 96
"""Logical pixels per inch."""
SHARP = 2.0
"""Pixels of a PNG for each logical one."""
LARGEST = 16_000
"""Pixels of a PNG, at most, in each direction: a larger graph is drawn smaller."""
LARGEST_PAGE = 14_400
"""Points of a PDF's page that readers are sure to show; a larger graph is drawn smaller."""


def ask(parent: QWidget, picture: Picture) -> None:
    """Let the person choose a file, and write it."""
    dialog = QFileDialog(parent, translate("Graph", "Export the graph"))
    dialog.setObjectName("graph_export_dialog")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(
        [
            translate("Graph", "SVG picture (*.svg)"),
            translate("Graph", "PDF document (*.pdf)"),
            translate("Graph", "PNG picture (*.png)"),
        ]
    )
    dialog.setDirectory(os.getcwd())
    dialog.selectFile("graph.svg")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filterSelected.connect(lambda words: dialog.setDefaultSuffix(words[-4:-1]))
    dialog.setDefaultSuffix("svg")
    dialog.fileSelected.connect(lambda path: _write(parent, picture, path))
    dialog.open()


def _write(parent: QWidget, picture: Picture, path: str) -> None:
    try:
        export(picture, Path(path))
    except (OSError, ValueError) as error:
        box = QMessageBox(parent)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setText(translate("Graph", "The graph was not exported."))
        box.setInformativeText(str(error))
        box.open()


def export(picture: Picture, path: Path) -> None:
    """Write all of ``picture`` to ``path``; its suffix says how. Raises ``OSError`` if it cannot be
    written, ``ValueError`` for another suffix."""
    write = WRITERS.get(path.suffix.lower())
    if write is None:
        known = ", ".join(WRITERS)
        raise ValueError(f"{path.name}: the name must end in one of {known}")
    path.write_bytes(write(picture))


def _room(picture: Picture) -> QRectF:
    """The bounds with a margin, in the scene's pixels."""
    bounds = picture.placement.bounds
    rect = QRectF(bounds.left, bounds.top, bounds.width, bounds.height)
    return rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)


def _paint(painter: QPainter, picture: Picture, scale: float) -> None:
    """Everything with its numbers, as at 100 %. What is chosen or searched for is not marked: that
    is the reader's."""
    room = _room(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(scale, scale)
    painter.fillRect(QRectF(0, 0, room.width(), room.height()), ink("canvas"))
    painter.translate(-room.left(), -room.top())
    selected, found = picture.selected, picture.found
    picture.selected, picture.found = "", None
    try:
        paint(painter, picture, [room], 1.0)
    finally:
        picture.selected, picture.found = selected, found


def _svg(picture: Picture) -> bytes:
    room, buffer = _room(picture), QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setResolution(DOTS)
    generator.setSize(QSize(round(room.width()), round(room.height())))
    generator.setViewBox(QRectF(0, 0, room.width(), room.height()))
    generator.setTitle(translate("Graph", "Graph"))
    painter = QPainter(generator)
    _paint(painter, picture, 1.0)
    painter.end()
    return bytes(buffer.data().data())


def _pdf(picture: Picture) -> bytes:
    room, buffer = _room(picture), QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    points = 72 / DOTS
    scale = min(1.0, LARGEST_PAGE / (max(room.width(), room.height()) * points))
    page = QSizeF(room.width() * points * scale, room.height() * points * scale)
    writer = QPdfWriter(buffer)
    writer.setResolution(DOTS)
    writer.setCreator("gradstep")
    writer.setPageLayout(
        QPageLayout(
            QPageSize(page, QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch),
            QPageLayout.Orientation.Portrait,
            QMarginsF(),
        )
    )
    painter = QPainter(writer)
    _paint(painter, picture, scale)
    painter.end()
    return bytes(buffer.data().data())


def _png(picture: Picture) -> bytes:
    room = _room(picture)
    scale = min(SHARP, LARGEST / max(room.width(), room.height()))
    size = QSize(round(room.width() * scale), round(room.height() * scale))
    image = QImage(size, QImage.Format.Format_RGB32)
    if image.isNull():
        raise OSError("there is not enough memory for a picture of this size; try SVG")
    painter = QPainter(image)
    _paint(painter, picture, scale)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"PNG")).write(image):
        raise OSError("the picture could not be made")
    return bytes(buffer.data().data())


WRITERS: dict[str, Callable[[Picture], bytes]] = {".svg": _svg, ".pdf": _pdf, ".png": _png}
