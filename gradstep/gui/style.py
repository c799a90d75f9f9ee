"""Palette and stylesheet of ordinary widgets, made from the theme's tokens."""

from __future__ import annotations

import functools

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from gradstep.gui.theme import theme

_ROLES = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "panel",
    QPalette.ColorRole.AlternateBase: "sunken",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.PlaceholderText: "text_tertiary",
    QPalette.ColorRole.Button: "panel",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "error",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.Highlight: "selection_ring_and_primary_button",
    QPalette.ColorRole.HighlightedText: "text_on_selection",
    QPalette.ColorRole.Accent: "selection_ring_and_primary_button",
    QPalette.ColorRole.Link: "text",
    QPalette.ColorRole.LinkVisited: "text",
    QPalette.ColorRole.Light: "raised",
    QPalette.ColorRole.Midlight: "hover",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Dark: "border_strong",
    QPalette.ColorRole.Shadow: "border_strong",
}


@functools.cache
def apply(app: QApplication) -> None:
    """Dress ``app`` in the theme, now and whenever light and dark change places."""
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setFont(theme().font())

    def dress() -> None:
        app.setPalette(palette())
        app.setStyleSheet(stylesheet())

    dress()
    theme().changed.connect(dress)


def palette() -> QPalette:
    colours = QPalette()
    for role, token in _ROLES.items():
        colours.setColor(role, theme().colour(token))
    disabled = theme().colour("text_disabled")
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        colours.setColor(QPalette.ColorGroup.Disabled, role, disabled)
    return colours


def stylesheet() -> str:
    """What Fusion would draw otherwise. Names in capitals are tokens."""
    sheet = _SHEET
    tokens = theme().tokens["colour"]["dark" if theme().dark else "light"]
    for name in sorted((n for n, v in tokens.items() if isinstance(v, str)), key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", _css(theme().colour(name)))
    return sheet


def _css(colour: QColor) -> str:
    return colour.name(QColor.NameFormat.HexRgb)


_SHEET = """
Panel { background: @panel; }
QLabel[quiet="true"] { color: @text_secondary; }
QLabel[error="true"] { color: @error; }
QLabel[faint="true"] { color: @text_tertiary; }

QMenuBar { background: @window; padding: 0 8px; }
QMenuBar::item { padding: 5px 8px; margin: 1px 0; border-radius: 5px; }
QMenuBar::item:selected { background: @hover; }
QMenuBar::item:pressed { background: @selected_background; }
QMenu { background: @raised; border: 1px solid @border_strong; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 28px; border-radius: 4px; }
QMenu::item:selected { background: @hover; }
QMenu::item:disabled { color: @text_disabled; }
QMenu::separator { height: 1px; background: @border; margin: 4px 8px; }
QMenu::icon { left: 7px; }
QMenu::indicator { left: 7px; width: 14px; height: 14px; }

QToolTip { background: @raised; color: @text; border: 1px solid @border_strong;
           padding: 3px 6px; }

QToolButton { border: none; border-radius: 5px; background: transparent; padding: 0 4px; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked { background: @selected_background; }
QToolButton:focus { border: 1px solid @selection_ring_and_primary_button; }
QToolButton::menu-indicator { image: none; }

QPushButton { background: @panel; border: 1px solid @control_outline; border-radius: 5px;
              padding: 0 12px; min-height: 26px; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @selected_background; }
QPushButton:focus { border: 2px solid @selection_ring_and_primary_button; padding: 0 11px;
                    min-height: 24px; }
QPushButton:disabled { color: @text_disabled; border-color: @border; }

QLineEdit, QSpinBox { background: @panel; border: 1px solid @control_outline; border-radius: 5px;
                      padding: 0 8px; min-height: 26px; }
QLineEdit:focus, QSpinBox:focus { border: 2px solid @selection_ring_and_primary_button;
                                  padding: 0 7px; min-height: 24px; }
QLineEdit:disabled, QSpinBox:disabled { color: @text_disabled; border-color: @border; }
QAbstractSpinBox QLineEdit { border: none; padding: 0 8px; min-height: 0; background: transparent; }
QAbstractSpinBox QLineEdit:focus { border: none; padding: 0 8px; min-height: 0; }

QComboBox QAbstractItemView { background: @raised; border: 1px solid @border_strong;
                              padding: 4px; outline: none; }
QComboBox QAbstractItemView::item { min-height: 26px; padding: 0 8px; border-radius: 4px;
                                    color: @text; }
QComboBox QAbstractItemView::item:selected { background: @hover; }
QComboBox QAbstractItemView::item:disabled { color: @text_disabled; }

QTabWidget::pane { border: none; }

QPlainTextEdit, QTextBrowser { background: @panel; border: none;
                 selection-background-color: @selection_ring_and_primary_button;
                 selection-color: @text_on_selection; }
QTableView, QTreeView, QListView { background: @panel; border: none;
                                   gridline-color: @border; outline: none; }
QHeaderView, QTableCornerButton::section { background: @panel; border: none; }
QHeaderView::section { background: @panel; color: @text_secondary; border: none;
                       padding: 0 6px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 2px; margin: 3px; }
QScrollBar::handle:hover { background: @control_outline; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }
"""
