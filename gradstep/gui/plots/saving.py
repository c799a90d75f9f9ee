"""Saving a plot and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QSizeF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from gradstep.gui.export import PICTURES, write_picture, write_table

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
        """Write the plot (``.svg``, ``.png``, ``.pdf``) or its numbers (``.csv``). What goes wrong
        is told."""
        picture = self._picture()
        if picture is None:
            return
        try:
            if path.lower().endswith(".csv"):
                write_table(path, *picture.table())
            else:
                size = QSizeF(picture.size())
                write_picture(path, picture.paint, size, picture.title)
        except (OSError, ValueError) as error:
            box = QMessageBox(self._owner)
            box.setText(self._owner.tr("The plot could not be saved: {0}").format(error))
            box.open()

    def _ask_picture(self) -> None:
        self._ask([f"{kind.upper()} (*.{kind})" for kind in PICTURES])

    def _ask_table(self) -> None:
        self._ask(["CSV (*.csv)"])

    def _ask(self, filters: list[str]) -> None:
        dialog = QFileDialog(self._owner, self._owner.tr("Save the plot"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(filters)

        def suffix(chosen: str) -> None:
            dialog.setDefaultSuffix(chosen.rpartition(".")[2].rstrip(")"))

        dialog.filterSelected.connect(suffix)
        suffix(filters[0])
        dialog.selectFile(self._owner.objectName())
        dialog.fileSelected.connect(self.save)
        dialog.open()
