"""How soon the window is there, and how soon a key press is seen. Ratios and medians of one run.

    python tests/benchmarks/bench_window.py [--repeats 5] [--steps 200]

Start: ``gradstep`` on its first lesson, until the window is painted and until the four buttons are
enabled, against ``python -c "import torch"``, in turn. Step: from the press of F10 on the lesson to
the end of the repaint that shows the graph of the new stop, with all panels that change with it.
The processor's time in the window's thread is told beside it: other work on the machine does not
change that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import Any

CHILD = "--child"
LOOK = 0.0002
"""Seconds: what takes less is looking whether there is anything to do."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    given = parser.parse_args()
    plain, painted, usable = [], [], []
    for _ in range(given.repeats):
        plain.append(_seconds([sys.executable, "-c", "import torch"]))
        first, ready = _start()
        painted.append(first)
        usable.append(ready)
    ratios = [ready / torch for ready, torch in zip(usable, plain, strict=True)]
    print(f"python -c 'import torch'   median {statistics.median(plain):6.2f} s")
    print(f"window painted             median {statistics.median(painted):6.2f} s")
    print(f"buttons enabled            median {statistics.median(usable):6.2f} s")
    print(f"enabled / import torch     median {statistics.median(ratios):6.2f}  {_range(ratios)}")
    took, worked = _steps(given.steps)
    for name, times in (("step, key to paint", took), ("step, window's thread", worked)):
        times.sort()
        print(f"{name:26} median {statistics.median(times):6.1f} ms")
        print(f"                           95th % {times[int(len(times) * 0.95)]:6.1f} ms")


def _range(values: list[float]) -> str:
    return f"({min(values):.2f} to {max(values):.2f})"


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=_environment())
    return time.perf_counter() - begun


def _start() -> tuple[float, float]:
    begun = time.time()
    command = [sys.executable, __file__, CHILD]
    out = subprocess.run(command, check=True, capture_output=True, env=_environment(), text=True)
    painted, usable = (float(word) for word in out.stdout.split()[-2:])
    return painted - begun, usable - begun


def _environment() -> dict[str, str]:
    return {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}


def _child() -> None:
    """The command line as a person starts it; prints when it was painted and when usable."""
    from gradstep.__main__ import parser, program_of
    from gradstep.headstart import Headstart

    program = program_of(parser().parse_args([]))
    head = Headstart(program)
    from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer

    from gradstep.gui import app as application

    times: dict[str, float] = {}

    class Watch(QObject):
        """Notes the first paint of the window and the moment its button can be pressed."""

        def eventFilter(self, watched: Any, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                times.setdefault("painted", time.time())
            return False

    app = application.make_application()
    watch = Watch()
    app.installEventFilter(watch)

    def look() -> None:
        for window in app.topLevelWidgets():
            actions = getattr(window, "actions_", None)
            if actions is not None and actions.actions["forward"].isEnabled():
                times.setdefault("usable", time.time())
                window.close()

    beat = QTimer()
    beat.timeout.connect(look)
    beat.start(5)
    application.run(program, head.take_over)
    print(times["painted"], times["usable"])
    QCoreApplication.processEvents()


def _steps(count: int) -> tuple[list[float], list[float]]:
    """Milliseconds from each key press to the end of the repaint that shows its stop: by the
    clock, and of the processor in the window's thread."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QCoreApplication, QEvent, Qt
    from PySide6.QtTest import QTest

    from gradstep.assets import resource
    from gradstep.gui.app import make_application
    from gradstep.gui.session import Session
    from gradstep.gui.states import State
    from gradstep.gui.window import MainWindow

    app = make_application()
    session = Session()
    seen: dict[str, Any] = {"shown": False, "painted": False, "end": 0.0}

    class Window(MainWindow):
        """Notes when all that had to be painted has been, and is on its way to the screen."""

        def event(self, event: QEvent) -> bool:
            done = super().event(event)
            if event.type() == QEvent.Type.UpdateRequest and seen["painted"] and not seen["end"]:
                seen["end"], seen["work"] = time.perf_counter(), time.thread_time()
            return done

    window = Window(session)
    window.resize(1440, 900)
    window.show()
    window.activateWindow()
    session.open(str(resource("lessons", "linear.py")))
    canvas = window.workspace.graph.canvas
    show, paint = canvas.show_picture, type(canvas).paintEvent

    def shown(*args: Any, **kwargs: Any) -> None:
        show(*args, **kwargs)
        seen["shown"] = True

    def painted(self: Any, event: Any) -> None:
        paint(self, event)
        if seen["shown"]:
            seen["painted"] = True

    canvas.show_picture = shown  # type: ignore[method-assign]
    type(canvas).paintEvent = painted  # type: ignore[method-assign]
    while session.state is not State.STOPPED:
        QCoreApplication.processEvents()
        time.sleep(0.001)
    took, worked = [], []
    for _ in range(count):
        QTest.qWait(20)
        seen.update(shown=False, painted=False, end=0.0)
        begun, idle = time.perf_counter(), time.thread_time()
        QTest.keyClick(window, Qt.Key.Key_F10)
        while not seen["end"]:
            waited = time.thread_time()
            QCoreApplication.processEvents()
            if time.thread_time() - waited < LOOK:
                idle += time.thread_time() - waited
            if time.perf_counter() - begun > 5:
                raise SystemExit("a step was not painted within 5 s")
        took.append((seen["end"] - begun) * 1000)
        worked.append((seen["work"] - idle) * 1000)
    window.close()
    app.processEvents()
    return took, worked


if __name__ == "__main__":
    _child() if CHILD in sys.argv else main()
