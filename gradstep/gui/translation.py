"""Words for people, where there is no ``QObject`` whose ``tr`` could be called."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

translate = QCoreApplication.translate
"""``translate(context, text)``. Called by this name, Qt's tools find the words in the source."""


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Marks words of a table, which are translated where they are shown. Typed, unlike Qt's."""
    return text
