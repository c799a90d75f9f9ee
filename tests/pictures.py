"""Takes the pictures in ``resources/screenshots``: real windows on real programs.

    python tests/pictures.py [NAME ...] [--size 1440x900] [--scale 2] [--to FOLDER]

Run it after every visible change, and look at them. Without names: all, in light and dark.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradstep.gui.window import MainWindow
    from gradstep.protocol.trace import Goal

ROOT = Path(__file__).parents[1]
LESSONS = ROOT / "resources" / "lessons"
PROGRAMS = ROOT / "tests" / "engine" / "programs"
PATIENCE = 60.0


class Stage:
    """A window on a program, as a person would use it."""

    def __init__(self, program: Path, args: tuple[str, ...], size: tuple[int, int]) -> None:
        from gradstep.gui.session import Session
        from gradstep.gui.window import MainWindow

        self.window: MainWindow = MainWindow(Session())
        self.window.resize(*size)
        self.window.show()
        self.window.session.open(str(program), args)
        self.wait(lambda: self.window.session.stop is not None)
        self.settle()

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("what the picture shows did not happen")
            self._wait(20)

    def settle(self, milliseconds: int = 600) -> None:
        """Let everything arrive that was asked for, and motion end."""
        self._wait(milliseconds)

    @staticmethod
    def _wait(milliseconds: int) -> None:
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()  # QTest.qWait would keep other threads of Python from running
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def press(self, *actions: str) -> None:
        """Buttons, one after the other; each until the program stands again."""
        from gradstep.gui.states import State

        for id in actions:
            stopped: list[object] = []
            connection = self.window.session.stopped.connect(stopped.append)
            self.window.actions_[id].trigger()
            self.wait(lambda stopped=stopped: bool(stopped))  # type: ignore[misc]
            self.wait(lambda: self.window.session.state is not State.RUNNING)
            self.window.session.stopped.disconnect(connection)
            self.settle(150)
        self.settle()

    def go(self, goal: Goal) -> None:
        self.wait(lambda: self.window.session.stop is not None)
        stopped: list[object] = []
        connection = self.window.session.stopped.connect(stopped.append)
        self.window.session.advance(goal)
        self.wait(lambda: bool(stopped))
        self.window.session.stopped.disconnect(connection)
        self.settle()

    def select(self, ref: str) -> None:
        self.window.cursor_.select(ref)
        self.settle()

    def card(self, index: int) -> None:
        self.window.workspace.cards.segments.choose(index)
        self.window.workspace.cards.segments.chosen.emit(index)
        self.settle()

    def close(self) -> None:
        self.window.session.stop_program()
        self.window.close()


def _middle_of_backward(stage: Stage) -> None:
    stage.press("forward", "backward", "update", "zero_grad", "forward", "step", "step")


def _accumulated(stage: Stage) -> None:
    stage.press("forward", "backward", "forward", "backward")
    stage.select("w")
    stage.card(1)


def _script(stage: Stage) -> None:
    stage.press("forward", "backward", "update")


def _chain_rule(stage: Stage) -> None:
    stage.press("forward", "backward")
    stage.select("w")
    stage.card(0)


def _update(stage: Stage) -> None:
    stage.press("iteration", "forward", "backward")
    stage.select("conv.weight")
    stage.card(2)


def _compared(stage: Stage) -> None:
    from gradstep.protocol.examination import Since

    stage.select("hidden.weight")
    stage.press("iteration", "forward", "backward")
    stage.window.workspace.value.content.comparison.choose(Since.ITERATION)
    stage.settle()


def _transformer(stage: Stage) -> None:
    stage.press("forward", "step", "step")


def _nan(stage: Stage) -> None:
    from gradstep.protocol.trace import Goal

    stage.go(Goal.NAN)


def _finding(stage: Stage) -> None:
    from gradstep.protocol.trace import Goal

    stage.go(Goal.RUN)


def _flow(stage: Stage) -> None:
    plots = stage.window.workspace.plots
    plots.choose(plots.flow)
    stage.press(*["iteration"] * 4, "forward", "backward")


def _landscape(stage: Stage) -> None:
    stage.press(*["iteration"] * 5, "forward", "backward")
    stage.settle(2500)


Scene = tuple[Path, tuple[str, ...], Callable[[Stage], None]]
SCENES: dict[str, Scene] = {
    "linear": (LESSONS / "linear.py", (), _middle_of_backward),
    "accumulation": (LESSONS / "linear.py", (), _accumulated),
    "script": (LESSONS / "linear_by_hand.py", (), _script),
    "chain_rule": (LESSONS / "squared_error.py", (), _chain_rule),
    "update": (PROGRAMS / "examined" / "adam.py", (), _update),
    "values": (LESSONS / "two_layers.py", (), _compared),
    "transformer": (PROGRAMS / "practice" / "gpt.py", (), _transformer),
    "nan": (PROGRAMS / "nonfinite" / "masked_log.py", (), _nan),
    "finding": (PROGRAMS / "mistakes" / "never_zeroed.py", ("optimizer",), _finding),
    "gradient_flow": (PROGRAMS / "gauges" / "convolution.py", (), _flow),
    "landscape": (LESSONS / "two_layers.py", (), _landscape),
}


def take(name: str, appearance: str, size: tuple[int, int], to: Path) -> None:
    from gradstep.gui.app import make_application
    from gradstep.gui.theme import theme

    make_application()
    theme().force(appearance)
    program, args, act = SCENES[name]
    stage = Stage(program, args, size)
    try:
        act(stage)
        stage.settle(1000)
        stage.window.grab().save(str(to / f"{name}_{appearance}.png"))
    finally:
        stage.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *SCENES], metavar="NAME")
    parser.add_argument("--appearance", choices=("light", "dark"))
    parser.add_argument("--size", default="1440x900")
    parser.add_argument("--scale", default="1")
    parser.add_argument("--to", type=Path, default=ROOT / "resources" / "screenshots")
    given = parser.parse_args()
    width, _, height = given.size.partition("x")
    if len(given.names) == 1 and given.appearance:
        take(given.names[0], given.appearance, (int(width), int(height)), given.to)
        return
    options = [f"--size={given.size}", f"--to={given.to}"]
    for name in given.names or SCENES:
        for appearance in [given.appearance] if given.appearance else ["light", "dark"]:
            with tempfile.TemporaryDirectory() as home:  # nobody's settings
                subprocess.run(
                    [sys.executable, __file__, name, *options, f"--appearance={appearance}"],
                    env={
                        **os.environ,
                        "HOME": home,
                        "XDG_CONFIG_HOME": home,
                        "QT_QPA_PLATFORM": "offscreen",
                        "QT_SCALE_FACTOR": given.scale,
                        "PYTHONPATH": os.pathsep.join((str(ROOT), str(PROGRAMS / "fidelity"))),
                    },
                    check=True,
                )


if __name__ == "__main__":
    main()
