"""Saving a plot and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QSizeF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from gradstep.gui.export import PICTURES, ask_for_file, write_picture, write_table

if TYPE_CHECKING:
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QPainter


class Savable(Protocol):
    """A plot with numbers."""

    @property
    def title(self) -> str: ...
    def size(self) -> QSize: ...
    def paint(self, painter: QPainter, size: QSizeF, /) -> None: ...
    def table(self) -> tuple[tuple[str, ...], list[Any]]: ...


class Saving:
    """Two entries for a panel's menu: the plot as a picture, its numbers as a table."""

    def __init__(self, picture: Callable[[], Savable | None], owner: QWidget) -> None:
        self._picture, self._owner = picture, owner
        name = owner.objectName()
        drawn = QAction(owner.tr("Save the plot as SVG, PNG or PDF…"), owner)
        drawn.setObjectName(f"{name}_save")
        drawn.triggered.connect(self._ask_picture)
        numbers = QAction(owner.tr("Save its numbers as CSV…"), owner)
        numbers.setObjectName(f"{name}_csv")
        numbers.triggered.connect(self._ask_table)
        self.actions_ = [drawn, numbers]

    def save(self, path: str) -> None:
        """Write the plot (``.svg``, ``.png``, ``.pdf``) or its numbers (``.csv``). Raises
        ``OSError``, and ``ValueError`` for other endings."""
        picture = self._picture()
        if picture is None:
            return
        if path.lower().endswith(".csv"):
            write_table(path, *picture.table())
        else:
            write_picture(path, picture.paint, QSizeF(picture.size()), picture.title)

    def _ask_picture(self) -> None:
        self._ask(PICTURES)

    def _ask_table(self) -> None:
        self._ask(("csv",))

    def _ask(self, kinds: tuple[str, ...]) -> None:
        title = self._owner.tr("Save the plot")
        ask_for_file(self._owner, title, self._owner.objectName(), kinds, self.save)
