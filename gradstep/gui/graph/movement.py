"""What moves on the canvas: the change of a step along its edge, and the view to the next one.

Everything ends by itself; with ``enabled`` false (reduced motion) it ends at once."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation, Signal

from gradstep.gui.graph.viewport import Viewport
from gradstep.gui.theme import theme


class Movement(QObject):
    """``wave`` and ``chip`` go from 0 to 1 after a step; ``view`` is where a pan has come to."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.enabled = True
        self.wave = self.chip = 1.0
        self.view = Viewport()
        motion = theme().tokens["motion_ms"]
        self._wave_ms, self._chip_ms = motion["wave_along_edge"], motion["changed_flash"]
        self._step = QVariantAnimation(self)
        self._step.setDuration(max(self._wave_ms, self._chip_ms))
        self._step.setStartValue(0.0)
        self._step.setEndValue(float(self._step.duration()))
        self._step.valueChanged.connect(self._advance)
        self._pan = QVariantAnimation(self)
        self._pan.setDuration(motion["pan_to_next"])
        self._pan.setStartValue(0.0)
        self._pan.setEndValue(1.0)
        self._pan.setEasingCurve(QEasingCurve.Type.InOutCubic)
        self._pan.valueChanged.connect(self._advance_pan)
        self._from = self._to = Viewport()

    @property
    def panning(self) -> bool:
        return self._pan.state() == QVariantAnimation.State.Running

    @property
    def moving(self) -> bool:
        return self.panning or self._step.state() == QVariantAnimation.State.Running

    def start_change(self) -> None:
        """A step changed something: a wave along its edge, a chip that fades in."""
        self._step.stop()
        if not self.enabled:
            self.wave = self.chip = 1.0
            return
        self.wave = self.chip = 0.0
        self._step.start()

    def pan(self, start: Viewport, to: Viewport) -> None:
        """Move the view (at one scale)."""
        self._from, self._to = Viewport(start.scale, start.x, start.y), to
        self._pan.stop()
        self._pan.start()
        if not self.enabled:
            self.finish()

    def finish(self) -> None:
        """Be where it leads to, now."""
        self.finish_pan()
        if self._step.state() == QVariantAnimation.State.Running:
            self._step.setCurrentTime(self._step.duration())
            self._step.stop()

    def finish_pan(self) -> None:
        """Have the view where it is moved to, now."""
        if self.panning:
            self._pan.setCurrentTime(self._pan.duration())
            self._pan.stop()

    def _advance(self, ms: float) -> None:
        self.wave = min(1.0, ms / self._wave_ms)
        self.chip = min(1.0, ms / self._chip_ms)
        self.changed.emit()

    def _advance_pan(self, share: float) -> None:
        one, other = self._from, self._to
        self.view = Viewport(
            other.scale, one.x + share * (other.x - one.x), one.y + share * (other.y - one.y)
        )
        self.changed.emit()
