"""Has the loss landscape computed where the program stands; the latest place wins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSettings, QTimer
from PySide6.QtGui import QAction, QActionGroup

from gradstep.gui.cursor import Cursor
from gradstep.gui.plots.landscape import LandscapePicture
from gradstep.gui.states import State
from gradstep.protocol.messages import Problem
from gradstep.protocol.rerun import Axis, AxisKind, Landscape, LandscapePart
from gradstep.protocol.training import Update
from gradstep.protocol.values import ValueInfo, ValueKind

if TYPE_CHECKING:
    from gradstep.gui.session import Session

PAUSE = 120
"""Milliseconds that the program must stand before anything is computed."""
CURVE, PLANE = 81, 29
"""Points along an axis."""
WAYS = ("parameters", "gradient", "plane", "random")


class Surveyor(QObject):
    """Chooses the axes, asks, and passes the rows on."""

    def __init__(
        self, session: Session, cursor: Cursor, picture: LandscapePicture, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._cursor, self._picture = session, cursor, picture
        self._seen = False
        self._ticket = 0
        self._early: list[LandscapePart] = []
        self._seed = 0
        self._parameters: tuple[ValueInfo, ...] = ()
        self._ranges: dict[str, tuple[float, float]] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._ask)
        self._ways = QActionGroup(self)
        self._build_actions()
        session.stopped.connect(lambda stop: self._soon())
        session.stateChanged.connect(self._stand_or_go)
        session.valuesChanged.connect(self._take_values)
        session.programOpened.connect(self._forget)
        session.landscapeArrived.connect(self._take_part)
        cursor.selected.connect(lambda ref: self._soon())

    def _build_actions(self) -> None:
        words = {
            "": self.tr("Axes chosen for this program"),
            "parameters": self.tr("Along the selected parameter"),
            "gradient": self.tr("Along the gradient"),
            "plane": self.tr("Gradient × random direction"),
            "random": self.tr("Two random directions"),
        }
        for way, text in words.items():
            action = QAction(text, self, checkable=True)
            action.setObjectName(f"landscape_{way or 'auto'}")
            action.setData(way)
            self._ways.addAction(action)
        chosen = str(QSettings().value("plots/landscape", ""))
        for action in self._ways.actions():
            action.setChecked(action.data() == (chosen if chosen in words else ""))
        self._ways.triggered.connect(self._choose)
        again = QAction(self.tr("Other random directions"), self)
        again.setObjectName("landscape_seed")
        again.triggered.connect(self._reseed)
        self.actions_ = [*self._ways.actions(), again]

    def _choose(self, action: QAction) -> None:
        QSettings().setValue("plots/landscape", action.data())
        self._soon()

    def show_actions(self, on: bool) -> None:
        for action in self.actions_:
            action.setVisible(on)

    def watch(self, seen: bool) -> None:
        """Whether anybody sees the landscape."""
        if seen is not self._seen:
            self._seen = seen
            self._soon() if seen else self._stop()

    # ------------------------------------------------------------------ when

    def _soon(self) -> None:
        if self._seen and self._session.state is State.STOPPED:
            self._timer.start()

    def _stand_or_go(self, state: State) -> None:
        if state is not State.STOPPED:
            self._timer.stop()  # the engine stops by itself when the program goes on

    def _stop(self) -> None:
        self._timer.stop()
        if self._session.state is State.STOPPED and self._ticket:
            self._session.tell("landscape_stop", None, lambda *_: None)

    def _forget(self, path: str = "") -> None:
        self._parameters = ()
        self._ranges.clear()

    def _reseed(self) -> None:
        self._seed += 1
        self._soon()

    def _take_values(self, values: tuple[ValueInfo, ...]) -> None:
        self._parameters = tuple(
            v for v in values if v.kind is ValueKind.PARAMETER and v.tensor.requires_grad
        )
        self._soon()

    # ------------------------------------------------------------------ asking

    def axes(self) -> tuple[Axis, ...]:
        """What is surveyed: one or two single numbers as they are, else directions."""
        action = self._ways.checkedAction()
        way = action.data() if action is not None else ""
        if not way:
            count = sum(p.tensor.numel for p in self._parameters)
            if 0 < count <= 2:
                elements = [(p, i) for p in self._parameters for i in range(p.tensor.numel)]
                return tuple(self._element(p, i) for p, i in elements)
            way = "plane"
        if way == "parameters":
            chosen = [p for p in self._parameters if p.ref == self._cursor.ref]
            return tuple(self._element(p, 0) for p in (chosen or self._parameters)[:1])
        gradient = Axis(AxisKind.GRADIENT, -0.5, 0.5)
        random = Axis(AxisKind.RANDOM, -0.5, 0.5, seed=self._seed)
        if way == "gradient":
            return (gradient,)
        if way == "random":
            return random, Axis(AxisKind.RANDOM, -0.5, 0.5, seed=self._seed + 1000)
        return gradient, random

    def _element(self, parameter: ValueInfo, i: int) -> Axis:
        """Its range stays the same while the present value lies well within."""
        elements = parameter.data.elements if parameter.data is not None else None
        here = float(elements[i].real) if elements and i < len(elements) else 0.0
        here = here if math.isfinite(here) else 0.0
        key = f"{parameter.ref}[{i}]"
        low, high = self._ranges.get(key, (0.0, 0.0))
        margin = 0.15 * (high - low)
        if not low + margin < here < high - margin:
            half = 1.5 * max(abs(here), 1.0)
            known = low < high  # what has been seen stays in view
            low, high = (
                min(here - half, low if known else here),
                max(here + half, high if known else here),
            )
            self._ranges[key] = low, high
        shape = parameter.tensor.shape
        index: list[int] = []
        rest = i
        for size in reversed(shape):
            index.insert(0, rest % size)
            rest //= size
        return Axis(AxisKind.ELEMENT, low, high, parameter.ref, tuple(index))

    def _ask(self) -> None:
        axes = self.axes() if self._seen and self._session.state is State.STOPPED else ()
        if not axes:
            return
        self._ticket += 1
        self._session.ask(
            "landscape",
            Landscape,
            lambda landscape, _: self._begin(landscape, axes),
            tag="landscape",
            failed=self._fail,
            axes=axes,
            points=CURVE if len(axes) == 1 else PLANE,
            ticket=self._ticket,
        )

    def _fail(self, problem: Problem) -> None:
        if problem.kind == "unavailable":
            self._picture.fail(problem.message)

    def _begin(self, landscape: Landscape, axes: tuple[Axis, ...]) -> None:
        if landscape.ticket != self._ticket:
            return
        early, self._early = self._early, []
        self._picture.begin(landscape)
        for part in early:
            self._picture.add(part)
        if len(axes) == 1 and axes[0].kind is AxisKind.ELEMENT:
            self._session.ask(
                "update",
                Update,
                lambda found, _: self._picture.aim(found.coming.element if found.coming else None),
                tag="landscape update",
                failed=lambda p: None,
                ref=axes[0].ref,
                index=axes[0].index,
            )

    def _take_part(self, part: LandscapePart) -> None:
        """Rows may overtake the answer that says what they are rows of."""
        shown = self._picture.landscape
        if part.ticket != self._ticket:
            return
        if shown is None or shown.ticket != self._ticket:
            self._early = [*self._early, part]
        else:
            self._picture.add(part)
