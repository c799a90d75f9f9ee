"""A backward that raised: which of the well-known mistakes it was, and the line that made it.

The error names the victim, the node that could not compute its gradient. The culprit of an
in-place change is found by the memory that the node had saved: in the table of changes, where calls
are seen; among the optimizers' parameters; or among the user's variables, whose changes are then
looked for in the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch import Tensor

from gradstep.engine.phase_watch.names import Census, user_scopes
from gradstep.engine.phase_watch.rule import where
from gradstep.engine.phase_watch.source import in_place_changes
from gradstep.engine.phase_watch.table import DETACHED_LOSS, FREED_GRAPH, IN_PLACE
from gradstep.engine.phase_watch.ways import ANY, leaves_of, nodes_of, storage_of
from gradstep.protocol.trace import Place

NODES = 5000
_CHANGED = "modified by an inplace operation"
_VERSIONS = re.compile(
    r"\[(?P<kind>[\w.]+) (?P<shape>\[[\d, ]*\])\](?:, which is (?P<output>output \d+ of \w+),)?"
    r" is at version (?P<found>\d+); expected version (?P<saved>\d+)"
)
_STEPPED = (
    "Run forward again after the step at {where}, or go back through all losses before it: the "
    "graph needs the parameters as they were."
)
_AGAIN = "Run it again at phase level (press Forward, then Backward) to see which call it was."


@dataclass(slots=True)
class Victim:
    """``storage``: the memory that was saved; 0 if it cannot be told."""

    shape: str
    output: str
    found: int
    saved: int
    storage: int = 0


@dataclass(slots=True)
class Culprit:
    words: str
    place: Place | None
    advice: str = IN_PLACE.suggestion


class Broken:
    """Told of every exception that comes out of the backward engine."""

    def __init__(self, watch: Any) -> None:
        self.watch, self.sites = watch, watch.sites

    def judge(
        self, error: RuntimeError, outputs: Any, frame: FrameType | None, grad_on: bool
    ) -> None:
        message = str(error)
        if _CHANGED in message:
            self._in_place(message, outputs, frame)
        elif self.watch.debugger.driven:
            return  # what was pressed too early or twice is answered by the driver
        elif "backward through the graph a second time" in message:
            self._second(frame)
        elif "does not require grad and does not have a grad_fn" in message:
            self._detached(message, outputs, frame, grad_on)

    def _second(self, frame: FrameType | None) -> None:
        place = self.watch.place(frame)
        first = self.watch.place_of(self.watch.last_backward)
        text = "Backward frees what forward had saved, as soon as it has used it."
        if first is not None and place is not None and first.line == place.line:
            text += f" The one before was this same line {first.line}, one time earlier."
        elif first is not None:
            text += f" The one before this was at line {first.line}."
        self.watch.tell(FREED_GRAPH, text, place)

    def _detached(self, message: str, outputs: Any, frame: FrameType | None, grad_on: bool) -> None:
        number = re.search(r"element (\d+)", message)
        loss = outputs[int(number[1]) if number else 0]
        ways = self.watch.ways
        end = ways.breaks(loss).get(ANY) if isinstance(loss, Tensor) else None
        place = self.watch.place(frame)
        if end is not None:
            self.watch.tell(DETACHED_LOSS, f"{end}.", end.place or place)
        elif not grad_on:
            text = f"{where(place).capitalize()} runs with gradients off (no_grad)."
            advice = "Take the forward and the backward at {where} out of no_grad."
            self.watch.tell(DETACHED_LOSS, text, place, suggestion=advice)
        elif ways.on:
            text = "Nothing that went into it requires grad."
            self.watch.tell(DETACHED_LOSS, text, place)
        else:
            text = "Something detached it, or nothing that went into it requires grad."
            self.watch.tell(
                DETACHED_LOSS, text, place, suggestion=f"{DETACHED_LOSS.suggestion} {_AGAIN}"
            )

    # ------------------------------------------------------------------ changed in place

    def _in_place(self, message: str, outputs: Any, frame: FrameType | None) -> None:
        match = _VERSIONS.search(message)
        if match is None:
            return
        found, saved = int(match["found"]), int(match["saved"])
        victim = Victim(match["shape"], match["output"] or "", found, saved)
        victim.storage = _saved_storage(outputs, message)
        culprit = (
            self._in_table(victim, frame)
            or self._update(victim, outputs, frame)
            or self._variable(victim, frame)
        )
        what = f"a tensor of shape {victim.shape}" + (victim.output and f" ({victim.output})")
        versions = f"backward saved it at version {saved}, and it is at version {found} now"
        if culprit is None:
            text = f"It is {what}: {versions}."
            self.watch.tell(IN_PLACE, text, self.watch.place(frame), suggestion=_AGAIN)
            return
        text = f"{culprit.words} {what}: {versions}."
        text = text[0].upper() + text[1:] if text.startswith("line") else text
        advice, place = culprit.advice, culprit.place
        if place is None:
            advice, place = _AGAIN, self.watch.place(frame)
        self.watch.tell(IN_PLACE, text, place, suggestion=advice)

    def _in_table(self, victim: Victim, frame: FrameType | None) -> Culprit | None:
        """Where calls were seen: the first change after the tensor was saved."""
        for change in self.watch.ways.changes:
            same = change.storage == victim.storage != 0
            if same and victim.saved < change.version <= victim.found:
                at = f" at {where(change.place)}" if change.place is not None else ""
                named = next((f" {name}," for _, name in self._variables(victim, frame)), "")
                return Culprit(f"{change.call}{at} changed{named}", change.place)
        return None

    def _update(self, victim: Victim, outputs: Any, frame: FrameType | None) -> Culprit | None:
        """A parameter that an optimizer moved between forward and this backward."""
        place = self.watch.place_of(self.watch.last_step)
        if place is None or not victim.storage:
            return None
        leaves = leaves_of(outputs, NODES) or {}
        for leaf in leaves.values():
            if storage_of(leaf) == victim.storage:
                census = Census()
                if id(leaf) not in census.held():
                    return None
                name = census.name(leaf, self.sites, frame) or "a parameter"
                words = f"optimizer.step() at line {place.line} changed {name}, needed as"
                return Culprit(words, place, _STEPPED)
        return None

    def _variable(self, victim: Victim, frame: FrameType | None) -> Culprit | None:
        """A variable of the user's with that memory, and the lines that change it in place."""
        for at, name in self._variables(victim, frame):
            lines = in_place_changes(self.sites, at, name)
            if lines:
                more = "".join(f", {where(place)}" for place in lines[1:])
                return Culprit(f"{where(lines[0])}{more} changed {name},", lines[0])
        return None

    def _variables(
        self, victim: Victim, frame: FrameType | None
    ) -> Iterator[tuple[FrameType, str]]:
        for at, scope in user_scopes(self.sites, frame) if victim.storage else ():
            for name, value in scope.items():
                if isinstance(value, Tensor) and storage_of(value) == victim.storage:
                    yield at, name


def _saved_storage(outputs: Any, message: str) -> int:
    """The memory behind the saved tensor that ``message`` is about. A node says by the same error
    that it cannot be unpacked; what it holds can be looked at all the same."""
    wanted = _VERSIONS.search(message)
    for node in nodes_of(outputs, NODES):
        for name in dir(node) if node is not None else ():
            if not name.startswith("_saved_"):
                continue
            try:
                getattr(node, name)
            except RuntimeError as error:
                found = _VERSIONS.search(str(error))
                if found is None or wanted is None or found[0] != wanted[0]:
                    continue
                storage = _raw_storage(getattr(node, f"_raw{name}", None), wanted["shape"])
                if storage:
                    return storage
    return 0


def _raw_storage(raw: Any, shape: str) -> int:
    for saved in raw if isinstance(raw, (list, tuple)) else (raw,):
        data = getattr(saved, "data", None)
        if isinstance(data, Tensor) and str(list(data.shape)) == shape:
            return storage_of(data)
    return 0
