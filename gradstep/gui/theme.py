"""Colours, fonts and sizes of the window, read from ``resources/tokens.json``.

One ``Theme`` for the application (``theme()``); it follows the system's light or dark setting.
Painted widgets ask it in ``paintEvent`` and repaint on ``changed``; ordinary ones are styled by
``stylesheet``.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication

from gradstep.assets import resource
from gradstep.phases import Phase


@dataclass(frozen=True)
class PhaseColours:
    """``solid`` means *next*; ``tint`` done; ``text`` for strokes and words of the phase."""

    solid: QColor
    text: QColor
    tint: QColor
    border: QColor
    on_solid: QColor


class Theme(QObject):
    """The look of the moment. ``changed`` is emitted when light and dark change places."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, Any] = json.loads(resource("tokens.json").read_text("utf-8"))
        self._forced: str | None = None
        self._families: dict[str, list[str]] = {}
        self._fonts: dict[tuple[str, bool, int], QFont] = {}
        self.dark = False
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._follow)
        self._follow()

    def force(self, scheme: str | None) -> None:
        """``light`` or ``dark`` whatever the system says; None follows the system again."""
        self._forced = scheme
        self._follow()

    def _follow(self) -> None:
        system = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        dark = self._forced == "dark" if self._forced else system
        self._colours: dict[str, QColor] = {}
        scheme = self.tokens["colour"]["dark" if dark else "light"]
        for name, value in scheme.items():
            if isinstance(value, str):
                self._colours[name] = QColor(value)
        self._phases = {
            Phase(name): PhaseColours(**{k: QColor(v) for k, v in colours.items()})
            for name, colours in scheme["phase"].items()
        }
        self.data_scale = tuple(QColor(c) for c in scheme["data_scale"])
        self.dark = dark
        self.changed.emit()

    def colour(self, name: str) -> QColor:
        """A colour by its token's name, such as ``text_secondary``. Raises ``KeyError``."""
        return self._colours[name]

    def phase(self, phase: Phase) -> PhaseColours:
        return self._phases[phase]

    def size(self, *path: str) -> Any:
        """A number (or list) from the tokens: ``size("window", "toolbar")``, in logical pixels."""
        value: Any = self.tokens
        for name in path:
            value = value[name]
        return value

    def font(self, role: str = "body", *, code: bool = False, weight: int = 400) -> QFont:
        """A font by its role in ``type.scale``; ``code`` for numbers and source."""
        key = (role, code, weight)
        found = self._fonts.get(key)
        if found is None:
            found = self._fonts[key] = _font(self, role, code, weight)
        return QFont(found)  # a copy costs little; making one costs more than painting its text

    def mathematics(self, pixels: int) -> QFont:
        """Upright letters are words; variables are set in this italic."""
        font = QFont(self._family("mathematics"))
        font.setPixelSize(pixels)
        font.setItalic(True)
        return font

    def _family(self, kind: str) -> list[str]:
        if not self._families:
            self._families = _load_fonts(self.tokens)
        return self._families[kind]


@functools.cache
def theme() -> Theme:
    """The application's theme. A ``QGuiApplication`` must exist."""
    return Theme()


def _font(look: Theme, role: str, code: bool, weight: int) -> QFont:
    font = QFont(look._family("numbers_and_code" if code else "ui"))
    font.setPixelSize(look.size("type", "scale", role)[0])
    font.setWeight(QFont.Weight(weight))
    if code:
        # Ligatures would turn "->" and "!=" of the user's source into other shapes.
        font.setFeature(QFont.Tag("liga"), 0)
        font.setFeature(QFont.Tag("calt"), 0)
    else:
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _load_fonts(tokens: dict[str, Any]) -> dict[str, list[str]]:
    for path in sorted(resource("fonts").glob("*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(path))
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()
    chinese = tokens["type"]["families"]["ui_zh"]
    return {
        "ui": ["Inter", system, *chinese],
        "numbers_and_code": ["JetBrains Mono", fixed, *chinese],
        "mathematics": ["STIX", "STIX Two Text", "Cambria", "serif"],
    }
