"""The questions that the panel asks about one value, and the answers that still fit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from gradstep.gui.value.histogram import BINS
from gradstep.gui.value.table import Window
from gradstep.protocol.examination import Histogram
from gradstep.protocol.messages import Problem
from gradstep.protocol.values import Fetched, Statistics, ValueInfo

if TYPE_CHECKING:
    from gradstep.gui.session import Session

PATIENCE_MS = 250
"""After so long without an answer the panel says that it is updating."""
HEAVY = 1 << 20
"""Elements from which statistics wait until the person has stopped stepping for a moment: the
engine answers one question at a time, and the next step should not wait for this one."""
HEAVY_DELAY_MS = 150


class Reader(QObject):
    """Answers about another value than the one asked about last are dropped."""

    described = Signal(object)
    """``ValueInfo``."""
    missed = Signal(object)
    """``Problem``: the value cannot be described."""
    fetched = Signal(str, object, object)
    """Field, ``Window``, elements as a numpy array of two axes."""
    measured = Signal(str, object)
    """Field, ``Statistics``."""
    distributed = Signal(str, object)
    """Field, ``Histogram``."""
    waitingChanged = Signal(bool)
    """Whether an answer is late."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._ref = ""
        self._open: set[str] = set()
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.timeout.connect(lambda: self.waitingChanged.emit(True))
        self._heavy = QTimer(self)
        self._heavy.setSingleShot(True)
        self._heavy.timeout.connect(self._measure_now)
        self._to_measure: tuple[str, ...] = ()

    def about(self, ref: str) -> None:
        """From now on, questions are about ``ref``; ``""`` about nothing."""
        if ref != self._ref:
            self._ref = ref
            self._heavy.stop()
            self._settle(*tuple(self._open))

    def describe(self) -> None:
        """What the value is now, without its elements."""
        ref = self._ref

        def done(found: Fetched, body: bytes) -> None:
            self._settle("describe")
            if ref == self._ref:
                self.described.emit(found.info)

        def failed(problem: Problem) -> None:
            self._settle("describe")
            if ref == self._ref:
                self.missed.emit(problem)

        self._begin("describe")
        self._session.ask(
            "value",
            Fetched,
            done,
            failed=failed,
            tag="value.describe",
            ref=ref,
            field="data",
            rows=(0, 0),
            columns=(0, 0),
        )

    def fetch(self, info: ValueInfo, field: str, index: tuple[int, ...], window: Window) -> None:
        """The elements of a window of the slice ``index``."""
        tag, ref, shape = f"value.table.{field}", self._ref, info.tensor.shape

        def done(found: Fetched, body: bytes) -> None:
            self._settle(tag)
            # At a later stop it may have become another tensor; then it is asked for again.
            if ref == self._ref and found.info.tensor.shape == shape:
                kind = np.dtype(found.stored).newbyteorder("<")
                self.fetched.emit(field, window, np.frombuffer(body, kind).reshape(window.shape))

        arguments: dict[str, object] = {"index": index}
        if len(shape) > 1:
            arguments["rows"] = (window.first_row, window.end_row)
            arguments["columns"] = (window.first_column, window.end_column)
        else:
            arguments["columns"] = (window.first_row, window.end_row)
        self._begin(tag)
        self._session.ask(
            "value",
            Fetched,
            done,
            failed=lambda problem: self._settle(tag),
            tag=tag,
            ref=ref,
            field=field,
            **arguments,
        )

    def fetch_single(self, field: str, done: Callable[[complex], None]) -> None:
        """The one element of a field."""
        tag, ref = f"value.single.{field}", self._ref

        def answered(found: Fetched, body: bytes) -> None:
            self._settle(tag)
            kind = np.dtype(found.stored).newbyteorder("<")
            elements = np.frombuffer(body, kind)
            if ref == self._ref and elements.size == 1:
                done(elements[0].item())

        self._begin(tag)
        self._session.ask(
            "value",
            Fetched,
            answered,
            failed=lambda problem: self._settle(tag),
            tag=tag,
            ref=ref,
            field=field,
        )

    def measure(self, info: ValueInfo, *, anew: bool = True) -> None:
        """Statistics of data and, where there is one, of the gradient. ``anew``: the person has
        just chosen it and waits for them."""
        self._to_measure = ("data", "grad") if info.has_grad else ("data",)
        if info.tensor.numel >= HEAVY and not anew:
            self._heavy.start(HEAVY_DELAY_MS)
        else:
            self._measure_now()

    def _measure_now(self) -> None:
        for field in self._to_measure:
            self.measure_field(field)
        for field in self._to_measure:
            show = functools.partial(self.distributed.emit, field)
            self.ask("histogram", Histogram, show, part=field, field=field, bins=BINS)

    def measure_field(self, field: str) -> None:
        """Statistics of ``data``, ``grad`` or a difference."""
        tag, ref = f"value.statistics.{field}", self._ref

        def done(found: Statistics, body: bytes) -> None:
            self._settle(tag)
            if ref == self._ref:
                self.measured.emit(field, found)

        self._begin(tag)
        self._session.ask(
            "statistics",
            Statistics,
            done,
            failed=lambda problem: self._settle(tag),
            tag=tag,
            ref=ref,
            field=field,
        )

    def ask(
        self, verb: str, kind: Any, done: Callable[[Any], None], *, part: str = "", **more: Any
    ) -> None:
        """One more question about the value; ``part`` tells it from others of the same verb.
        ``failed`` is called with the problem when there is no answer."""
        tag, ref = f"value.{verb}.{part}", self._ref
        failed = more.pop("failed", None)

        def answered(found: Any, body: bytes) -> None:
            self._settle(tag)
            if ref == self._ref:
                done(found)

        def refused(problem: Problem) -> None:
            self._settle(tag)
            if failed is not None and ref == self._ref:
                failed(problem)

        self._begin(tag)
        arguments = {"ref": ref, **more}
        self._session.ask(verb, kind, answered, failed=refused, tag=tag, **arguments)

    def _begin(self, tag: str) -> None:
        self._open.add(tag)
        if not self._late.isActive():
            self._late.start(PATIENCE_MS)

    def _settle(self, *tags: str) -> None:
        self._open.difference_update(tags)
        if not self._open:
            self._late.stop()
            self.waitingChanged.emit(False)
