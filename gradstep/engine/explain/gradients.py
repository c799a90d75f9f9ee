"""Gradients as the last backward brought them."""

from __future__ import annotations

from torch import Tensor

from gradstep.engine.capture.recorder import Recorder
from gradstep.engine.capture.records import NodeRecord


def brought(recorder: Recorder, node: NodeRecord, output: int = 0) -> Tensor | None:
    """What came to a value along all of its uses together; None until all have come. Call it
    unobserved."""
    edges = [e for e in node.outputs.get(output, ()) if e.requires_grad and e.target is not None]
    parts = [recorder.store.get(f"edge:{edge.id}") for edge in edges]
    found = [part for part in parts if part is not None]
    if not found or len(found) != len(parts):
        return None
    total = found[0]
    for part in found[1:]:
        total = total + part
    return total
