"""How much room items and labels need, so that nothing moves when a number changes. No Qt here:
numbers and names stand in a font of one width, so counting characters is measuring.

Logical pixels at 100 %.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gradstep.assets import resource
from gradstep.gui.graph.scene import LEAVES, Frame, Item, Link, Role
from gradstep.gui.graph.symbols import short
from gradstep.gui.numbers import format_shape
from gradstep.protocol.values import TensorInfo


@functools.cache
def tokens() -> dict[str, Any]:
    """The part of ``resources/tokens.json`` about the graph."""
    graph: dict[str, Any] = json.loads(resource("tokens.json").read_text("utf-8"))["graph"]
    return graph


NEAR: dict[str, Any] = tokens()["near"]
DIAMETER: float = NEAR["operation_diameter"]
LEAF_WIDTH, LEAF_HEIGHT = NEAR["leaf"]
LOSS_WIDTH, LOSS_HEIGHT = NEAR["loss"]
LANE: float = NEAR["lane_gap"]
LABEL_GAP: float = NEAR["label_gap"]
TRAY_WIDTH, TRAY_HEIGHT = tokens()["grad_tray"]

VALUE_CHARACTER = 9.0  # JetBrains Mono at 15 px: 0.6 em
CODE_CHARACTER = 7.2  # at 12 px
CAPTION_CHARACTER = 6.6  # at 11 px
GROWN = 1.2  # captions grow first where the picture is shown smaller
VALUE_LINE, LIST_LINE, NAME_LINE = 20.0, 16.0, 16.0
TRAY_DROP = 18.0  # the arrow from a parameter to its tray
TRAY_ROW = 20.0
ATEN_LINE = 16.0
NAME_CHARACTERS = 22
NUMBER_WIDTH = 8 * VALUE_CHARACTER
"""A sign, two digits and a power of ten stand over it by no more than a gap; see ``texts``."""
LIST_ELEMENTS, LIST_ACROSS = 4, 2
MANY = 12
"""With more parameters than this, trays are kept small."""


@dataclass(frozen=True)
class Size:
    width: float
    height: float


def item_size(item: Item) -> Size:
    """Of the shape itself, without tray and caption."""
    text = written_name(item)
    if item.aten:
        widest = max(CAPTION_CHARACTER * len(line) for line in (item.text, *item.aten))
        return Size(GROWN * widest + 24, 30 + ATEN_LINE * len(item.aten))
    if item.role == Role.OPERATION:
        if item.sign and len(item.sign) <= 4:
            return Size(DIAMETER, DIAMETER)
        each = 9.6 if item.sign else CODE_CHARACTER
        return Size(max(DIAMETER, each * len(item.sign or text) + 28), DIAMETER)
    if item.role == Role.LOSS:
        return Size(max(LOSS_WIDTH, 8 * len(text) + 28), LOSS_HEIGHT)
    if item.role == Role.OPEN:
        return Size(8, 8)
    if item.role == Role.MODULE:
        return Size(max(96, CODE_CHARACTER * len(text) + 40), DIAMETER)
    if item.role == Role.CONSTANT:
        each = VALUE_CHARACTER if is_bare(item) else CODE_CHARACTER
        return Size(max(28, each * len(text) + 10), 28)
    width = CAPTION_CHARACTER * len(leaf_shape(item)) + 24
    if not is_variable(text):
        width = max(width, CODE_CHARACTER * len(text) + 28)
    return Size(max(LEAF_WIDTH, width), LEAF_HEIGHT)


def written_name(item: Item) -> str:
    """What stands on an item. Inside the frame ``hidden``, ``hidden.weight`` is ``weight``."""
    text = item.text
    if item.role == Role.PARAMETER:
        text = within(text, item.groups)
    elif item.role == Role.MODULE:
        text = " – ".join(within(part, item.groups) for part in text.split(" – "))
    text = short(text, NAME_CHARACTERS)
    return f"{text} ×{item.count}" if item.count > 1 else text


def within(name: str, groups: Sequence[str]) -> str:
    """The path ``name`` as it is called inside ``groups``."""
    for group in reversed(groups):
        module = group.partition("]")[2]
        if module and name.startswith(f"{module}."):
            return name[len(module) + 1 :]
    return name


def frame_label(frame: Frame) -> str:
    """What a group is called inside the one around it."""
    return short(within(frame.group.label, (frame.parent,)), NAME_CHARACTERS)


def is_variable(name: str) -> bool:
    """Whether ``name`` is set as a mathematical variable: one letter, perhaps with a number."""
    return name.isidentifier() and (len(name) == 1 or (len(name) <= 3 and name[1:].isdigit()))


def is_bare(item: Item) -> bool:
    """Whether an item is just a number without a name, which its link need not repeat."""
    return item.role == Role.CONSTANT and not (item.node and item.node.name)


def leaf_shape(item: Item) -> str:
    """The shape of a leaf that is no scalar, as it stands under its name."""
    tensor = item.node.tensor if item.node else None
    if item.role not in LEAVES or tensor is None or tensor.numel == 1:
        return ""
    return format_shape(tensor.shape)


def tray_size(parameters: int, leaf: Size) -> Size:
    """Room for the tray of one of ``parameters``: for a whole sum where there are few."""
    width = min(max(leaf.width + 64, 112), TRAY_WIDTH)
    if parameters > MANY:
        return Size(max(leaf.width, 104), TRAY_ROW + 8)
    return Size(max(width, leaf.width), TRAY_HEIGHT if parameters <= 2 else 2 * TRAY_ROW + 8)


@dataclass(frozen=True)
class LabelSize:
    """Room for what stands on a link: widths of value (with name and shape) and gradient, heights
    above and below the line."""

    value: float
    grad: float
    above: float
    below: float


def label_size(link: Link, source: Item) -> LabelSize:
    """Enough for any number of this kind of tensor, now or later."""
    if is_bare(source):
        return LabelSize(24, 0, 0, 0)
    tensor = link.edge.tensor
    name = label_name(link, source)
    shape = label_shape(link, source)
    number, height = _number_room(tensor)
    above = height + NAME_LINE * (bool(name) + bool(shape))
    width = max(number, CODE_CHARACTER * len(name), GROWN * CAPTION_CHARACTER * len(shape))
    grad = number if link.edge.requires_grad else 52.0
    return LabelSize(width, grad, above, height + 4)


def label_name(link: Link, source: Item) -> str:
    """What the program calls the value; a leaf's name stands in its box and is not said again."""
    if source.role in LEAVES or link.edge.name == "loss":
        return ""
    return short(link.edge.name, NAME_CHARACTERS)


def label_shape(link: Link, source: Item) -> str:
    """The shape of a tensor whose elements are not shown."""
    tensor = link.edge.tensor
    if source.role in LEAVES or tensor is None or shows_elements(tensor):
        return ""
    return format_shape(tensor.shape)


def shows_elements(tensor: TensorInfo | None) -> bool:
    """Whether a tensor is small enough to show all of it."""
    return tensor is None or tensor.numel <= LIST_ELEMENTS


def _number_room(tensor: TensorInfo | None) -> tuple[float, float]:
    """Width and height of a number or a short list."""
    if tensor is None or tensor.numel <= 1:
        return NUMBER_WIDTH, VALUE_LINE
    if shows_elements(tensor):
        rows = -(-tensor.numel // LIST_ACROSS)
        return (LIST_ACROSS * 7 + 2) * CODE_CHARACTER, rows * LIST_LINE + 4
    return 7 * VALUE_CHARACTER, VALUE_LINE
