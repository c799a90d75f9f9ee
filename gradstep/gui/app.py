"""The application: one window on one session."""

from __future__ import annotations

import signal
import sys

from PySide6.QtCore import QTimer
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import gradstep
from gradstep import headstart
from gradstep.gui import style
from gradstep.gui.icons import icon
from gradstep.gui.session import Session, Start
from gradstep.gui.window import MainWindow
from gradstep.program import Program


def make_application() -> QApplication:
    """The one ``QApplication``, named and dressed."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("gradstep")
    app.setApplicationDisplayName("gradstep")
    app.setOrganizationName("gradstep")
    app.setApplicationVersion(gradstep.__version__)
    app.setDesktopFileName("gradstep")
    app.setWindowIcon(QIcon(icon("app")))
    style.apply(app)
    return app


def run(program: Program | None, start: Start = headstart.start) -> int:
    """Open the window on ``program``, or on nothing; the exit code once it is closed."""
    app = make_application()
    session = Session(start, python=program.python if program else None)
    window = MainWindow(session)
    if program is not None:
        session.open(program.path, program.args, module=program.module)
    window.show()
    # Where there is no window manager, nobody else gives it the keyboard.
    window.activateWindow()
    # Ctrl+C in the terminal closes the window; Python sees a signal only when it runs.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    pulse = QTimer()
    pulse.timeout.connect(lambda: None)
    pulse.start(500)
    return app.exec()
