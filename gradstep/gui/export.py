"""Pictures and their numbers in files: SVG, PNG, PDF, CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QMarginsF, QRect, QSize, QSizeF
from PySide6.QtGui import QImage, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator

Paint = Callable[[QPainter, QSizeF], None]
PICTURES = ("svg", "png", "pdf")
SHARPNESS = 2
"""Pixels of a PNG per logical pixel."""
DOTS = 96
"""Logical pixels per inch: what is 16 px on the screen is 12 pt on paper."""


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
    pixels = QSize(round(size.width() * SHARPNESS), round(size.height() * SHARPNESS))
    image = QImage(pixels, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(SHARPNESS)
    image.fill(0)
    _paint(image, paint, size)
    if not image.save(path, "PNG"):  # type: ignore[call-overload]
        raise OSError(f"{path} could not be written")


def _pdf(path: str, paint: Paint, size: QSizeF, title: str) -> None:
    writer = QPdfWriter(path)
    writer.setTitle(title)
    writer.setResolution(DOTS)
    inches = QSizeF(size.width() / DOTS, size.height() / DOTS)
    writer.setPageSize(QPageSize(inches, QPageSize.Unit.Inch, title))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    _paint(writer, paint, size)


def _paint(device: QSvgGenerator | QImage | QPdfWriter, paint: Paint, size: QSizeF) -> None:
    painter = QPainter(device)
    try:
        paint(painter, size)
    finally:
        painter.end()
