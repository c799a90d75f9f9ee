"""What a call's nodes of backward have saved, read where it is alive and without a request of the
program's own hooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.values.optimizer_state import kept_info
from gradstep.engine.values.torch_saved import saved_tensors
from gradstep.protocol.examination import BESIDE, Life, SavedTensor

MAX_NODES = 20_000
"""Nodes that are walked in search of one whose result is gone."""


def saved_of(recorder: Recorder, ref: str, record: NodeRecord, output: int) -> list[SavedTensor]:
    """Every tensor that the nodes of ``record`` save, last node first. Call unobserved."""
    found = []
    for node in _nodes(recorder, record, output):
        saved = list(saved_tensors(node))
        alive = any(not isinstance(value, Life) for _, value in saved)
        for name, value in saved:
            if not (alive and value is Life.FREED):  # there was none: an optional argument
                found.append(_told(ref, internals.node_name(node), name, value))
    return found


def find_saved(recorder: Recorder, record: NodeRecord, output: int, name: str) -> Tensor | None:
    """The living tensor called ``name``; ``NODE.name`` where several save such."""
    for node in _nodes(recorder, record, output):
        for own, value in saved_tensors(node):
            if name in (own, f"{internals.node_name(node)}.{own}") and isinstance(value, Tensor):
                return value
    return None


def _told(ref: str, node: str, name: str, value: Tensor | Life | str) -> SavedTensor:
    if isinstance(value, Tensor):
        full = f"{ref}{BESIDE}saved {node}.{name}"
        return SavedTensor(node, name, Life.ALIVE, kept_info(full, name, value), value._version)
    if isinstance(value, Life):
        return SavedTensor(node, name, value)
    return SavedTensor(node, name, Life.CHANGED, note=value)


def _nodes(recorder: Recorder, record: NodeRecord, output: int) -> list[Any]:
    """The autograd nodes that the call made, last first: from its own result, or where that is
    gone from the living results that hold it."""
    if record.last <= record.first:
        return []
    own = recorder.live_tensor(record, output)
    roots = [own.grad_fn] if own is not None and own.grad_fn is not None else []
    numbers = range(record.first, record.last)
    found = list(_walk(roots, numbers, within=True))
    if not found:
        holders = (known.ref() for known in recorder.known())
        heads = [t.grad_fn for t in holders if t is not None and t.grad_fn is not None]
        found = list(_walk(heads, numbers, within=False))
    return sorted(found, key=internals.node_number, reverse=True)


def _walk(roots: list[Any], numbers: range, *, within: bool) -> Iterator[Any]:
    """Nodes whose number is among ``numbers``. A node's inputs were made before it, so that what
    has a smaller number leads nowhere. ``within``: only through such nodes."""
    stack, seen = list(roots), set[Any]()
    while stack and len(seen) < MAX_NODES:
        node = stack.pop()
        if node is None or node in seen or str(node.name()) == internals.ACCUMULATE_GRAD:
            continue
        seen.add(node)
        number = internals.node_number(node)
        if number in numbers:
            yield node
        elif within or number < numbers.start:
            continue
        stack += [successor for successor, _ in node.next_functions]
