"""Items and links in words: for tooltips and for those who hear the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from gradstep.gui.graph.marks import Mark, broadcast, marks
from gradstep.gui.graph.moment import Look, Moment, is_freed, look, paths
from gradstep.gui.graph.scene import Item, Link, Role, Scene
from gradstep.gui.numbers import format_number, format_shape, norm_of, rms_of
from gradstep.phases import PHASE_INFO, Phase
from gradstep.protocol.values import Preview, TensorInfo

translate = QCoreApplication.translate


def describe_item(item: Item, scene: Scene, now: Moment) -> str:
    """A line for what it is, then lines for state, value and gradient."""
    lines = [_title(item), _state(item, scene, now)]
    node = item.node
    if node is not None:
        if node.place is not None:
            lines.append(translate("Graph", "line {0}").format(node.place.line))
        lines += _values(node.tensor, node.data, node.grad, item.role == Role.PARAMETER)
        if node.current is not None:
            lines.append(translate("Graph", "now {0}").format(full(node.current, node.tensor)))
        if node.grad_note:
            lines.append(node.grad_note)
    if item.key in now.failed:
        lines.append(translate("Graph", "failed here, or made NaN or Inf"))
    lines += _behind(item)
    lines += _special(item, [link for link in scene.links.values() if link.target == item.key])
    return "\n".join(line for line in lines if line)


def _behind(item: Item) -> list[str]:
    """The autograd nodes of an operation, what they saved, and the aten operations of the call."""
    node, lines = item.node, []
    if node is not None and node.backward:
        names = ", ".join(node.backward)
        if 0 < node.backward_done < len(node.backward):
            words = translate("Graph", "backward: {0} ({1} of {2} done)")
            lines.append(words.format(names, node.backward_done, len(node.backward)))
        else:
            lines.append(translate("Graph", "backward: {0}").format(names))
    if node is not None and node.saved == "alive":
        lines.append(translate("Graph", "what it saved for backward is alive"))
    if is_freed(item):
        lines.append(translate("Graph", "its saved values are freed"))
    if node is not None and node.aten:
        lines.append(", ".join(node.aten))
    if item.count > 1:
        lines.append(translate("Graph", "{0} that are alike").format(item.count))
    return lines


def _special(item: Item, inputs: Sequence[Link]) -> list[str]:
    words = {
        Mark.IN_PLACE: translate("Graph", "in place: it overwrites its first input"),
        Mark.VIEW: translate("Graph", "a view: it shares its input's memory"),
        Mark.DETACHED: translate("Graph", "detached: backward does not go further"),
        Mark.NO_GRAD: translate("Graph", "under no_grad: backward knows nothing of it"),
    }
    found = marks(item, inputs)
    lines = [words[mark] for mark in found if mark in words]
    if Mark.BROADCAST in found and item.node is not None and item.node.tensor is not None:
        text = translate("Graph", "broadcast: {0} to {1}; its gradient is summed back")
        to = format_shape(item.node.tensor.shape)
        for link in broadcast(item, inputs):
            assert link.edge.tensor is not None
            shape = link.edge.tensor.shape
            lines.append(text.format(format_shape(shape) if shape else "scalar", to))
    return lines


def describe_link(link: Link, scene: Scene) -> str:
    """The value in full, and the gradient that came back along it."""
    source, target = scene.items[link.source], scene.items[link.target]
    name = link.edge.name or (source.text if source.role != Role.OPERATION else "")
    ends = f"{source.sign or source.text} → {target.sign or target.text}".strip(" →")
    lines = [f"{name}: {ends}" if name else ends]
    edge = link.edge
    if link.expected:
        return "\n".join([*lines, translate("Graph", "not yet")])
    lines += _values(edge.tensor, edge.value, edge.grad, False)
    if not edge.requires_grad:
        lines.append(translate("Graph", "no grad: backward does not come this way"))
    return "\n".join(lines)


def full(shown: Preview | None, kind: TensorInfo | None) -> str:
    """Every digit, and every element there is."""
    if shown is None:
        return ""
    if shown.problem:
        return shown.problem
    dtype = kind.dtype if kind else "float64"
    if shown.elements is not None:
        texts = [format_number(e, dtype, None) for e in shown.elements]
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return _sizes(shown)


def _sizes(shown: Preview) -> str:
    parts = []
    rms, norm = rms_of(shown), norm_of(shown)
    if rms is not None:
        parts.append(translate("Graph", "rms {0}").format(format_number(rms, "float64", 6)))
    if norm is not None:
        parts.append(translate("Graph", "norm {0}").format(format_number(norm, "float64", 6)))
    return ", ".join(parts)


def _values(
    kind: TensorInfo | None, data: Preview | None, grad: Preview | None, leaf: bool
) -> list[str]:
    lines = []
    if kind is not None:
        lines.append(f"{format_shape(kind.shape)} · {kind.dtype} · {kind.device}")
    if data is not None:
        lines.append(translate("Graph", "value {0}").format(full(data, kind)))
    if grad is not None:
        text = translate("Graph", ".grad {0}") if leaf else translate("Graph", "gradient {0}")
        lines.append(text.format(full(grad, kind)))
    return lines


def _title(item: Item) -> str:
    kind = {
        Role.PARAMETER: translate("Graph", "parameter"),
        Role.DATA: translate("Graph", "data"),
        Role.CONSTANT: translate("Graph", "constant"),
        Role.LOSS: translate("Graph", "loss"),
        Role.MODULE: translate("Graph", "module"),
        Role.OPEN: translate("Graph", "result"),
    }.get(item.role, translate("Graph", "operation"))
    return item.text if item.text == kind else f"{item.text}, {kind}".strip(", ")


def _state(item: Item, scene: Scene, now: Moment) -> str:
    if item.role not in (Role.OPERATION, Role.MODULE) and item.key not in now.next:
        return ""
    state = look(item, now)
    if state == Look.NEXT:
        title = PHASE_INFO[now.phase or Phase.FORWARD].title
        return translate("Graph", "next, {0}").format(translate("Phases", title))
    arrived, ways = paths(scene, item)
    if ways > 1 and 0 < arrived < ways and state in (Look.WAITING, Look.PARTLY):
        return translate("Graph", "{0} of {1} paths").format(arrived, ways)
    return {
        Look.EXPECTED: translate("Graph", "not yet"),
        Look.FORWARD: translate("Graph", "forward done"),
        Look.WAITING: translate("Graph", "forward done, waits for backward"),
        Look.PARTLY: translate("Graph", "backward partly done"),
        Look.BACKWARD: translate("Graph", "backward done"),
    }[state]
