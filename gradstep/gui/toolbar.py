"""The row of verbs: four phases, the steps between, speed and device."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from gradstep.gui.actions import ActionSet
from gradstep.gui.buttons import ActionButton, FieldBox, PhaseButton, StepButton
from gradstep.gui.findings import heading, missing_phase
from gradstep.gui.progress import IterationProgress, next_phase
from gradstep.gui.session import Session
from gradstep.gui.states import State
from gradstep.gui.theme import theme
from gradstep.phases import PHASES
from gradstep.protocol.findings import Finding
from gradstep.protocol.trace import Device, Devices, Stop, Timeline

SPEEDS: tuple[float | None, ...] = (1, 2, 4, 10, 30, None)
"""Operations a second that Run may keep to; None: as fast as the machine can."""


class Toolbar(QWidget):
    """Shows what the session says and hands on what is pressed. When there is little room, words
    give way to icons from the right; the phases keep theirs longest."""

    def __init__(self, session: Session, actions: ActionSet, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toolbar")
        self.setFixedHeight(theme().size("window", "toolbar"))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._session, self._progress = session, IterationProgress()
        self.phases = [
            PhaseButton(actions[info.phase.value], info, i == 0, i == len(PHASES) - 1, self)
            for i, info in enumerate(PHASES)
        ]
        self.step = StepButton(actions["step"], "step", self)
        self.ways = [ActionButton(actions[id], id, self) for id in ("into", "over", "out")]
        self.words = [ActionButton(actions[id], id, self) for id in ("iteration", "run")]
        self.signs = [ActionButton(actions[id], id, self) for id in ("pause", "stop", "restart")]
        for sign in (*self.ways, *self.signs):
            sign.set_compact(1)
        self.speed = FieldBox(self.tr("Speed"), self)
        self.speed.setObjectName("speed")
        self.device = FieldBox(self.tr("Device"), self)
        self.device.setObjectName("device")
        self._lay_out()
        self._fill_speeds()
        self._connect()
        self._show_devices(session.devices)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        padding = theme().size("space", "panel_padding")
        row.setContentsMargins(padding, 6, padding, 6)
        row.setSpacing(4)
        group = QHBoxLayout()
        group.setSpacing(0)
        for phase in self.phases:
            group.addWidget(phase)
        row.addLayout(group)
        row.addWidget(Line(self))
        for button in (self.step, *self.ways):
            row.addWidget(button)
        row.addWidget(Line(self))
        for button in (*self.words, *self.signs):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.speed)
        row.addSpacing(4)
        row.addWidget(self.device)

    def _fill_speeds(self) -> None:
        for speed in SPEEDS:
            text = self.tr("full") if speed is None else self.tr("{0} per s").format(speed)
            self.speed.addItem(text, speed)
        self.show_speed(self._session.speed)
        self.speed.setToolTip(self.tr("How many operations a second Run executes"))

    def show_speed(self, speed: float | None) -> None:
        """Show a speed that was chosen elsewhere."""
        self.speed.setCurrentIndex(SPEEDS.index(speed) if speed in SPEEDS else len(SPEEDS) - 1)

    def _connect(self) -> None:
        session = self._session
        self.speed.activated.connect(lambda i: session.set_speed(SPEEDS[i]))
        self.device.activated.connect(lambda i: session.set_device(self.device.itemData(i)))
        session.programOpened.connect(self._clear)
        session.timelineChanged.connect(self._advance)
        session.stopped.connect(self._show_stop)
        session.stateChanged.connect(self._show_state)
        session.devicesChanged.connect(self._show_devices)
        session.found.connect(self._warn)

    def _clear(self) -> None:
        self._progress.clear()
        for button in self.phases:
            button.warn("")
        self._show_stop(None)
        self._show_devices(None)

    def _advance(self, timeline: Timeline) -> None:
        self._progress.add(timeline)
        self._show_stop(self._session.stop)

    def _show_stop(self, stop: Stop | None) -> None:
        for button in self.phases:
            button.show_progress(self._progress.of(button.info.phase, stop))
        self.step.show_next(next_phase(stop))

    def _warn(self, finding: Finding) -> None:
        for button in self.phases:
            if button.info.phase is missing_phase(finding):
                button.warn(heading(finding))

    def _show_state(self, state: State) -> None:
        if state in (State.ENDED, State.LOST):
            self.step.show_next(None)

    def _show_devices(self, devices: Devices | None) -> None:
        self.device.clear()
        if devices is None:
            self.device.addItem("–")
            self.device.setEnabled(False)
            self.device.setToolTip(self.tr("Known once the program has loaded"))
        else:
            for device in devices.available:
                self.device.addItem(device_text(device), device.id)
            self.device.setCurrentIndex(self.device.findData(devices.current))
            self.device.setEnabled(not devices.fixed)
            self.device.setToolTip(devices.fixed or self.tr("Where the experiment computes"))
        self._fit()

    # ------------------------------------------------------------------ room

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._width(len(self._stages()), ways=False), self.height())

    def _stages(self) -> list[list[FieldBox | ActionButton]]:
        """What becomes smaller, in this order. The phases come three times: see ``PhaseButton``."""
        iteration, run = self.words
        phases: list[FieldBox | ActionButton] = [*self.phases]
        return [[self.device], [self.speed], [run], [iteration], [self.step], *[phases] * 3]

    def _sizes(self, stage: int) -> dict[FieldBox | ActionButton, int]:
        """How small each is when the first ``stage`` stages are taken."""
        sizes: dict[FieldBox | ActionButton, int] = {}
        for i, items in enumerate(self._stages()):
            for item in items:
                sizes[item] = sizes.get(item, 0) + (i < stage)
        return sizes

    def _width(self, stage: int, *, ways: bool) -> int:
        """Of the whole row; ``ways``: into, over and out are there, too."""
        signs = [*self.signs, *(self.ways if ways else ())]
        width: int = sum(item.width_when(size) for item, size in self._sizes(stage).items())
        width += sum(item.width_when(1) for item in signs)
        gaps = len(signs) + len(self.words) + 5
        padding: int = theme().size("space", "panel_padding")
        return width + 2 * padding + 2 * Line.WIDTH + 4 * gaps

    def _fit(self) -> None:
        last = len(self._stages())
        keyless = last - 2
        # Before the phases lose their icons, the ways go: they have their keys, and their place in
        # the menu.
        ways = self._width(keyless, ways=True) <= self.width()
        stage = 0 if ways else keyless
        while stage < last and self._width(stage, ways=ways) > self.width():
            stage += 1
        for item, size in self._sizes(stage).items():
            item.set_compact(size)
        for way in self.ways:
            way.setVisible(ways)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().colour("window"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, theme().colour("border"))


class Line(QWidget):
    """A quiet line between groups."""

    WIDTH = 25

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(self.WIDTH, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.WIDTH // 2, 0, 1, self.height(), theme().colour("border"))


def device_text(device: Device) -> str:
    """``CPU``, ``cuda:0 · H200 · 141 GB``."""
    if device.id == "cpu":
        return "CPU"
    memory = f" · {device.memory / 1e9:.0f} GB" if device.memory else ""
    name = f" · {device.name}" if device.name and device.name != device.id else ""
    return f"{device.id}{name}{memory}"
