"""What the panels see of a session, fed by hand: the same signals, the same ``ask``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from gradstep.gui.states import State
from gradstep.protocol.examination import Histogram
from gradstep.protocol.findings import Finding
from gradstep.protocol.messages import Problem
from gradstep.protocol.trace import Loaded, Stop
from gradstep.protocol.values import Fetched, Preview, Statistics, TensorInfo, ValueInfo, ValueKind


class FakeSession(QObject):
    """Answers ``value`` and ``statistics`` from numpy arrays. Replies come one turn of the event
    loop later, or when ``reply`` is called if ``held``; of one tag only the newest is answered."""

    stateChanged = Signal(object)
    loaded = Signal(object)
    stopped = Signal(object)
    graphChanged = Signal(object)
    timelineChanged = Signal(object)
    lossesChanged = Signal(object)
    valuesChanged = Signal(object)
    devicesChanged = Signal(object)
    found = Signal(object)
    outputArrived = Signal(str, str)
    programOpened = Signal(str)
    messageChanged = Signal(str)
    progressed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.state = State.STOPPED
        self.stop: Stop | None = None
        self.loaded_program: Loaded | None = None
        self.path = ""
        self.findings: tuple[Finding, ...] = ()
        self.infos: dict[str, ValueInfo] = {}
        self.arrays: dict[tuple[str, str], np.ndarray] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.held = False
        self._waiting: dict[str, tuple[str, Callable, Callable | None, dict[str, Any]]] = {}

    def put(
        self,
        ref: str,
        data: Any,
        grad: Any = None,
        *,
        kind: ValueKind = ValueKind.PARAMETER,
        dtype: str = "",
        requires_grad: bool = True,
        note: str = "",
        scope: str = "",
    ) -> ValueInfo:
        data = np.asarray(data)
        grad = None if grad is None else np.asarray(grad)
        tensor = TensorInfo(
            data.shape,
            dtype or str(data.dtype),
            "cpu",
            requires_grad,
            kind is not ValueKind.RESULT,
            bytes=data.nbytes,
        )
        info = ValueInfo(
            ref, ref, kind, tensor, preview(data), preview(grad), scope, grad is not None, note
        )
        self.infos[ref] = info
        self.arrays[ref, "data"] = data
        self.arrays.pop((ref, "grad"), None)
        if grad is not None:
            self.arrays[ref, "grad"] = grad
        return info

    def take(self, ref: str) -> None:
        """The value is gone."""
        del self.infos[ref]

    def stop_at(self, stop: Stop) -> None:
        self.stop = stop
        self.stopped.emit(stop)
        self.valuesChanged.emit(tuple(i for i in self.infos.values() if not i.ref.startswith("#")))

    def ask(
        self,
        verb: str,
        kind: type,
        done: Callable[[Any, bytes], None],
        *,
        tag: str,
        failed: Callable[[Problem], None] | None = None,
        **arguments: Any,
    ) -> None:
        self.asked.append((verb, tag, arguments))
        self._waiting[tag] = (verb, done, failed, arguments)
        if not self.held:
            QTimer.singleShot(0, self.reply)

    def tell(
        self,
        verb: str,
        kind: Any,
        done: Callable[[Any, bytes], None],
        *,
        failed: Callable[[Problem], None] | None = None,
        **arguments: Any,
    ) -> None:
        self.asked.append((verb, "", arguments))

    def reply(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for verb, done, failed, arguments in waiting.values():
            answer = self._answer(verb, arguments)
            if isinstance(answer, Problem):
                if failed is not None:
                    failed(answer)
            else:
                done(*answer)

    def _answer(self, verb: str, arguments: dict[str, Any]) -> tuple[Any, bytes] | Problem:
        if verb not in ("value", "statistics", "histogram"):
            return Problem("unavailable", f"nothing made up for {verb}")
        ref, field = arguments["ref"], arguments["field"]
        if ref not in self.infos:
            return Problem("unknown", f"There is no value called {ref} now.")
        if (ref, field) not in self.arrays:
            return Problem("unavailable", f"{ref} has no .grad")
        info, array = self.infos[ref], self.arrays[ref, field]
        if verb == "statistics":
            return statistics(array), b""
        if verb == "histogram":
            wide = (abs(array) if array.dtype.kind == "c" else array).astype(np.float64).ravel()
            finite = wide[np.isfinite(wide)]
            if not finite.size:
                return Problem("unavailable", "no element is finite")
            counts, edges = np.histogram(finite, arguments["bins"])
            return Histogram(edges[0], edges[-1], tuple(counts.tolist()), finite.size), b""
        part = array[tuple(arguments.get("index", ()))]
        rows, columns = arguments.get("rows"), arguments.get("columns")
        if rows is not None and part.ndim >= 2:
            part = part[rows[0] : rows[1]]
        if columns is not None and part.ndim >= 1:
            part = part[..., columns[0] : columns[1]]
        step = arguments.get("step", 1)
        part = part[..., ::step, ::step] if step > 1 else part
        fetched = Fetched(info, part.shape, info.tensor.dtype, str(part.dtype))
        return fetched, np.ascontiguousarray(part).tobytes()


def preview(array: np.ndarray | None) -> Preview | None:
    if array is None:
        return None
    if array.dtype.kind == "c":
        array = abs(array)
    if array.size <= 16:
        return Preview(tuple(array.reshape(-1).tolist()))
    if array.dtype.kind != "f":
        return Preview()
    norm = float(np.linalg.norm(array.astype(np.float64)))
    return Preview(norm=norm, rms=norm / array.size**0.5)


def statistics(array: np.ndarray) -> Statistics:
    wide = (abs(array) if array.dtype.kind == "c" else array).astype(np.float64).reshape(-1)
    finite = wide[np.isfinite(wide)]
    counts = (
        wide.size,
        finite.size,
        int((wide == 0).sum()),
        int(np.isnan(wide).sum()),
        int(np.isinf(wide).sum()),
    )
    if not finite.size:
        return Statistics(*counts)
    numbers = (finite.min(), finite.max(), finite.mean(), finite.std(), np.linalg.norm(finite))
    return Statistics(*counts, *(float(x) for x in numbers))
