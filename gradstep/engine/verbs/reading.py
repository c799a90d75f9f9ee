"""The verbs that read and explain: loaded when the first of them is asked for."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

from torch import Tensor

from gradstep.engine import devices
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.explain.landscape import Landscapes
from gradstep.engine.gauges import Gauging
from gradstep.engine.running.driver import Driver
from gradstep.engine.running.notebook import cell_name
from gradstep.engine.stepping.debugger import Debugger
from gradstep.engine.torch_internals import is_leaf, unobserved
from gradstep.engine.values.reading import Unreadable, body, cut, describe, preview
from gradstep.engine.values.scope import Scope
from gradstep.engine.values.tracks import Tracks
from gradstep.engine.verbs.gauges import GaugeCommands
from gradstep.engine.verbs.rerun import RerunCommands
from gradstep.engine.verbs.training import TrainingCommands
from gradstep.engine.verbs.values import Found, ValueCommands
from gradstep.phases import Phase
from gradstep.protocol.examination import BESIDE, EVALUATED
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.trace import Devices, Graph, Losses, Moment, Source, Timeline
from gradstep.protocol.values import Fetched, ValueInfo, ValueKind

UNSEEN = "This iteration ran at full speed and was not recorded."
JOINED = (
    "The forward of this iteration ran at full speed and was not recorded; the next iteration will "
    "be drawn whole."
)


class Reading(RerunCommands, TrainingCommands, GaugeCommands, ValueCommands):
    """Runs in the link thread. Values are read only while the program stands at the gate."""

    def __init__(
        self,
        debugger: Debugger,
        scope: Scope,
        driver: Driver | None,
        gauging: Gauging,
        tracks: Tracks,
        tell: Callable[..., Any],
    ) -> None:
        """``tell`` sends an event."""
        self._gauging, self._tracks = gauging, tracks
        self._debugger, self._scope, self._driver = debugger, scope, driver
        self._landscapes = Landscapes(lambda part: tell("landscape", part=part))
        debugger.gate.released = self._landscapes.cancel
        super().__init__()

    # ------------------------------------------------------------------ reading

    def do_values(self) -> tuple[ValueInfo, ...]:
        self._standing()
        return self._scope.values(self._debugger.frame)

    def do_value(
        self,
        ref: str,
        field: str = "data",
        index: tuple[int, ...] = (),
        rows: tuple[int, int] | None = None,
        columns: tuple[int, int] | None = None,
        step: int = 1,
    ) -> tuple[Fetched, bytes]:
        """``step``: of the last two axes only every so many-th index."""
        self._standing()
        with unobserved():
            info, tensor = self._find(ref, field)
            try:
                window = cut(tensor, index, rows, columns)
                if step > 1:
                    for axis in range(max(window.dim() - 2, 0), window.dim()):
                        window = window[(slice(None),) * axis + (slice(None, None, step),)]
                stored, data = body(window)
            except Unreadable as error:
                raise RequestFailed(Problem("unavailable", str(error), ref)) from None
            shape = tuple(int(n) for n in window.shape)
            return Fetched(info, shape, describe(tensor).dtype, stored), data

    def do_graph(self, since: int = 0) -> Graph:
        self._standing()
        recorder, tracker = self._debugger.recorder, self._debugger.tracker
        if recorder.nodes or not tracker.iteration:
            return recorder.graph(since)
        joined = recorder.watching and tracker.phase is not Phase.FORWARD
        return recorder.graph(since, JOINED if joined else UNSEEN)

    def do_source(self, file: str) -> Source:
        """Of what was typed or generated, and lies in no file."""
        text = "".join(linecache.getlines(file))
        if not text:
            raise RequestFailed(Problem("unavailable", f"No source of {file} is known.", file))
        return Source(text, cell_name(file))

    def do_timeline(self, since: int = 0) -> Timeline:
        return self._debugger.journal.timeline(since)

    def do_losses(self, since: int = 0) -> Losses:
        return self._debugger.losses.told(since)

    def do_moment(self, graph: int = 0, timeline: int = 0, losses: int = 0) -> Moment:
        """Each number says how far that part has been read before (see ``since``)."""
        values = self.do_values()  # first: it may be overtaken, and a timeline is told only once
        return Moment(
            self.do_graph(graph), self.do_timeline(timeline), self.do_losses(losses), values
        )

    # ------------------------------------------------------------------ devices

    def do_devices(self) -> Devices:
        fixed = ""
        if self._driver is None:
            fixed = "A script chooses its devices itself."
        current = self._current_device()
        found = devices.available()
        if not fixed and len(found) == 1:
            fixed = "torch offers only this device here."
        return Devices(found, current, fixed)

    def do_set_device(self, id: str) -> Devices:
        self._standing()
        driver = self._driver
        if driver is None or id not in {d.id for d in devices.available()}:
            raise RequestFailed(Problem("invalid", f"{id} cannot be chosen here."))
        if not driver.at_rest(self._debugger):
            message = "An experiment moves between iterations: finish this one first."
            raise RequestFailed(Problem("unavailable", message))
        driver.move(id)
        return self.do_devices()

    # ------------------------------------------------------------------ inside

    def _current_device(self) -> str:
        experiment = self._driver.experiment if self._driver is not None else None
        parameters = experiment.named_parameters.values() if experiment is not None else ()
        for parameter in parameters:
            device = str(parameter.device)
            return "cuda:0" if device == "cuda" else device
        return "cpu"

    def _find(self, ref: str, field: str) -> tuple[ValueInfo, Tensor]:
        """``field``: ``data`` or ``grad``, or ``data since stop``: the difference from then."""
        field, _, since = field.partition(" since ")
        if field not in ("data", "grad"):
            raise RequestFailed(Problem("invalid", f"no field {field!r}: data or grad"))
        found = self._value(ref)
        if found is None:
            raise RequestFailed(Problem("unknown", f"No value is called {ref} here.", ref))
        info, data, grad = found
        tensor = data if field == "data" else grad
        if tensor is None:
            what = "gradient" if field == "grad" else "value"
            raise RequestFailed(Problem("unavailable", info.note or f"no {what} kept", ref))
        return info, self._change(ref, field, since, tensor) if since else tensor

    def _value(self, ref: str) -> Found | None:
        if BESIDE in ref or ref.startswith(EVALUATED):
            return self._beside(ref)
        return self._on_graph(ref) if ref.startswith("#") else self._named(ref)

    def _named(self, ref: str) -> Found | None:
        tensor = self._scope.find(ref, self._debugger.frame)
        if tensor is None:
            return None
        grad = tensor.grad if tensor.requires_grad and is_leaf(tensor) else None
        return self._scope.info(ref, tensor), tensor, grad

    def _on_graph(self, ref: str) -> Found | None:
        recorder = self._debugger.recorder
        found = recorder.find(ref)
        if found is None:
            return None
        node, output = found
        leaf = node.leaf() if node.leaf is not None else None
        if leaf is not None and node.kind is ValueKind.PARAMETER:
            grad = leaf.grad
            info = self._scope.info(node.name or ref, leaf, ref=ref)
            return info, leaf, grad
        key = f"#{node.id}:{output}"
        data = recorder.store.get(key)
        if data is None:
            data = recorder.live_tensor(node, output)
        grad = recorder.store.get(f"{key}:grad")
        return self._result_info(ref, node, output, data, grad), data, grad

    def _result_info(
        self, ref: str, node: NodeRecord, output: int, data: Tensor | None, grad: Tensor | None
    ) -> ValueInfo:
        edges = node.outputs.get(output, [])
        own = next((e.name for e in edges if e.name), "")
        described = edges[0].tensor if edges and edges[0].tensor is not None else node.tensor
        if described is None and data is not None:
            described = describe(data)
        if described is None:
            raise RequestFailed(Problem("unavailable", "This value was not kept.", ref))
        requires = any(e.requires_grad for e in edges)
        return ValueInfo(
            ref=ref,
            name=own or node.name,
            named=bool(own),
            kind=node.kind,
            tensor=described,
            data=edges[0].value if edges else node.data,
            grad=preview(grad) if grad is not None else None,
            has_grad=grad is not None,
            note="" if grad is not None else _no_gradient(requires),
        )


def _no_gradient(requires: bool) -> str:
    return "no backward has reached it yet" if requires else "does not require grad"
