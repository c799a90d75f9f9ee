"""Pictures and their numbers in files: SVG, PNG, PDF, CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QMarginsF, QRect, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from gradstep.gui.translation import translate

Paint = Callable[[QPainter, QSizeF], None]
PICTURES = ("svg", "png", "pdf")
SHARPNESS = 2
"""Pixels of a PNG per logical pixel."""
LARGEST = 16_000
"""Pixels of a PNG, at most, in each direction: what is larger is drawn smaller."""
DOTS = 96
"""Logical pixels per inch: what is 16 px on the screen is 12 pt on paper."""
LARGEST_PAGE = 14_400
"""Points of a PDF's page that readers are sure to show; what is larger is drawn smaller."""
EXACT = QPageSize.SizeMatchPolicy.ExactMatch


def write_picture(path: str, paint: Paint, size: QSizeF, title: str) -> None:
    """Paint into ``path``; its ending says how. Raises ``OSError`` when it cannot be written, and
    ``ValueError`` for other endings."""
    writers = {".svg": _svg, ".png": _png, ".pdf": _pdf}
    writer = writers.get(Path(path).suffix.lower())
    if writer is None:
        raise ValueError(f"a picture is written as {', '.join(PICTURES)}, not as {path}")
    with open(path, "wb"):
        pass  # says why it cannot be written, which Qt does not
    writer(path, paint, size, title)


def ask_for_file(
    parent: QWidget, title: str, name: str, kinds: Sequence[str], write: Callable[[str], None]
) -> None:
    """Let the person choose a file, and write it; what goes wrong is told. ``name``: without an
    ending, ``kinds``: the endings that there are, the usual one first. Returns at once."""
    dialog = QFileDialog(parent, title)
    dialog.setObjectName("save_as")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters([f"{kind.upper()} (*.{kind})" for kind in kinds])
    dialog.filterSelected.connect(
        lambda words: dialog.setDefaultSuffix(words[:-1].rpartition(".")[2])
    )
    dialog.setDefaultSuffix(kinds[0])
    dialog.selectFile(f"{name}.{kinds[0]}")

    def chosen(path: str) -> None:
        try:
            write(path)
        except (OSError, ValueError) as error:
            tell_problem(parent, error)

    dialog.fileSelected.connect(chosen)
    dialog.open()


def tell_problem(parent: QWidget, error: Exception) -> None:
    """That a file could not be written."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setText(translate("Export", "The file was not written."))
    box.setInformativeText(str(error))
    box.open()


def write_table(path: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Comma-separated, floats with all their digits; None is an empty cell. Raises ``OSError``."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row in rows:
            writer.writerow([repr(x) if isinstance(x, float) else x for x in row])


def _svg(path: str, paint: Paint, size: QSizeF, title: str) -> None:
    generator = QSvgGenerator()
    generator.setFileName(path)
    generator.setSize(size.toSize())
    generator.setViewBox(QRect(0, 0, round(size.width()), round(size.height())))
    generator.setResolution(DOTS)
    generator.setTitle(title)
    _paint(generator, paint, size)


def _png(path: str, paint: Paint, size: QSizeF, title: str) -> None:
    scale = min(float(SHARPNESS), LARGEST / max(size.width(), size.height()))
    pixels = QSize(round(size.width() * scale), round(size.height() * scale))
    image = QImage(pixels, QImage.Format.Format_ARGB32_Premultiplied)
    if image.isNull():
        raise OSError("there is not enough memory for a picture of this size; try SVG")
    image.fill(0)
    _paint(image, paint, size, scale)
    if not image.save(path, "PNG"):  # type: ignore[call-overload]
        raise OSError(f"{path} could not be written")


def _pdf(path: str, paint: Paint, size: QSizeF, title: str) -> None:
    points = 72 / DOTS
    scale = min(1.0, LARGEST_PAGE / (max(size.width(), size.height()) * points))
    writer = QPdfWriter(path)
    writer.setTitle(title)
    writer.setCreator("gradstep")
    writer.setResolution(DOTS)
    page = QPageSize(size * (points * scale), QPageSize.Unit.Point, "", EXACT)
    writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, QMarginsF()))
    _paint(writer, paint, size, scale)


def _paint(
    device: QSvgGenerator | QImage | QPdfWriter, paint: Paint, size: QSizeF, scale: float = 1.0
) -> None:
    painter = QPainter(device)
    painter.scale(scale, scale)
    try:
        paint(painter, size)
    finally:
        painter.end()
