"""What is written on links and trays. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.gui.graph.moment import Moment
from gradstep.gui.graph.scene import LEAVES, Item, Link
from gradstep.gui.graph.sizes import (
    CODE_CHARACTER,
    LIST_ACROSS,
    VALUE_CHARACTER,
    is_bare,
    label_name,
    label_shape,
    label_size,
    shows_elements,
)
from gradstep.gui.numbers import format_number, norm_of, rms_of
from gradstep.protocol.trace import Change
from gradstep.protocol.values import Preview, TensorInfo

OVERHANG = 10.0  # a number may stand a little over its room, not over what is beside it
BESIDE_ROOM = 48.0


@dataclass(frozen=True)
class Number:
    """``lines``: one, or the rows of a short list, set smaller. ``measure`` (``rms``, ``norm``)
    says what kind of number it is when it stands for a whole tensor."""

    lines: tuple[str, ...]
    measure: str = ""
    small: bool = False
    brief: str = ""
    """Of a list: its rms or norm, for where the list has no room."""

    @property
    def text(self) -> str:
        return " ".join(self.lines)


@dataclass(frozen=True)
class Label:
    """Above the line ``name``, ``shape`` and ``value``, below it ``grad``; empty when there is
    none. ``no_grad``: no gradient will ever come."""

    name: str = ""
    shape: str = ""
    value: Number | None = None
    grad: Number | None = None
    no_grad: bool = False


def label(link: Link, source: Item, beside: bool = False) -> Label:
    """What stands on ``link``. ``beside``: on a short line with little room at its sides."""
    edge = link.edge
    if is_bare(source):
        return Label()
    room = label_size(link, source)
    value, grad = (BESIDE_ROOM, BESIDE_ROOM) if beside else (room.value, room.grad)
    shown = not link.expected
    return Label(
        label_name(link, source),
        label_shape(link, source),
        number(edge.value, edge.tensor, "data", value) if shown else None,
        number(edge.grad, edge.tensor, "grad", grad) if shown else None,
        shown and not edge.requires_grad,
    )


def number(
    shown: Preview | None, kind: TensorInfo | None, field: str, room: float = 1e9
) -> Number | None:
    """A scalar as it is, a small tensor as its elements, a large one as rms (``data``) or norm
    (``grad``). Fewer digits where ``room`` is small."""
    if shown is None:
        return None
    if shown.problem:
        return Number((shown.problem,), small=True)
    dtype = kind.dtype if kind else "float64"
    size = rms_of(shown) if field == "data" else norm_of(shown)
    elements = shown.elements
    if elements is not None and len(elements) == 1:
        texts = [format_number(elements[0], dtype, digits) for digits in (6, 5, 4, 3, 2, 1)]
        return Number((_fitting(texts, room),))
    if elements and shows_elements(kind):
        for digits in (3, 2):
            rows = _rows([format_number(e, dtype, digits) for e in elements])
            if max(map(len, rows)) * CODE_CHARACTER <= room + OVERHANG:
                brief = "" if size is None else format_number(size, "float64", 3)
                return Number(rows, small=True, brief=brief)
    if size is None:
        return None
    texts = [format_number(size, "float64", digits) for digits in (3, 2, 1)]
    return Number((_fitting(texts, room),), "rms" if field == "data" else "norm")


def _fitting(texts: list[str], room: float) -> str:
    """The first that ``room`` is enough for, else the last."""
    return next((t for t in texts if len(t) * VALUE_CHARACTER <= room + OVERHANG), texts[-1])


def _rows(texts: list[str]) -> tuple[str, ...]:
    """A list in brackets, a few elements in each row."""
    rows = [", ".join(texts[i : i + LIST_ACROSS]) for i in range(0, len(texts), LIST_ACROSS)]
    rows = [f"{' ' * (i > 0)}{row}{',' * (i < len(rows) - 1)}" for i, row in enumerate(rows)]
    rows[0] = "[" + rows[0]
    rows[-1] += "]"
    width = max(map(len, rows))
    return tuple(row.ljust(width) for row in rows)


@dataclass(frozen=True)
class TrayRow:
    """One line of a tray. ``kind``: ``grad``, ``term`` (part of a sum), ``sum``, ``zeroed`` or
    ``data``. ``before``: what it was, when that is to be seen."""

    kind: str
    title: str
    text: str
    changed: bool = False
    before: str = ""


def tray(
    item: Item, now: Moment, arrived: float | None = None, brief: bool = False
) -> list[TrayRow]:
    """What lies under a parameter: its ``.grad``, and its data once that is not what was used.
    ``arrived``: the gradient that this backward brought to a scalar, summed over its ways.
    ``brief``: in fewer digits, for where text is written large."""
    node = item.node
    if item.role not in LEAVES or node is None or item.expected:
        return []
    happened = now.leaves.get(node.id, {})
    rows: list[TrayRow] = []
    change = happened.get("grad")
    if node.grad is not None or (change is not None and change.before is not None):
        rows += _grad_rows(item, change, arrived, brief)
    if node.current is not None:
        rows.append(
            TrayRow(
                "data",
                item.text if len(item.text) <= 2 else "",
                _plain(node.current, node.tensor, "data", brief).removeprefix("rms "),
                "value" in happened,
                _plain(node.data, node.tensor, "data", brief),
            )
        )
    return rows


def _grad_rows(
    item: Item, change: Change | None, arrived: float | None, brief: bool
) -> list[TrayRow]:
    node = item.node
    assert node is not None
    title = f"{item.text}.grad" if len(item.text) <= 2 else ".grad"
    total = _plain(node.grad, node.tensor, "grad", brief) if node.grad is not None else "None"
    old = change.before if change else None
    if change is None or old is None:
        return [TrayRow("grad", title, total, change is not None)]
    before = _plain(old, node.tensor, "grad", brief)
    if _is_zero(change.after):
        return [TrayRow("zeroed", title, total, True, "" if _is_zero(old) else before)]
    if arrived is None or _is_zero(old) or not _adds_up(old, arrived, change.after):
        return [TrayRow("grad", title, total, True)]
    dtype = node.tensor.dtype if node.tensor else "float64"
    return [
        TrayRow("term", title, before),
        TrayRow("term", "", f"+ {format_number(arrived, dtype, 3 if brief else 6)}"),
        TrayRow("sum", "", total, True),
    ]


def _is_zero(shown: Preview | None) -> bool:
    """Whether nothing is there, or nothing but zeros."""
    return (
        shown is None or shown.norm == 0 or (shown.elements is not None and not any(shown.elements))
    )


def _adds_up(old: Preview, arrived: float, new: Preview | None) -> bool:
    """Whether a scalar is what it was and what arrived; a sum that is not so is not shown."""
    one, other = old.elements, new.elements if new else None
    if not one or not other or len(one) != 1 or len(other) != 1:
        return False
    total = float(one[0]) + arrived
    return abs(total - float(other[0])) <= 1e-5 * max(abs(total), abs(arrived), 1e-30)


def _plain(shown: Preview | None, kind: TensorInfo | None, field: str, brief: bool = False) -> str:
    """In a tray: the number, or rms or norm of a tensor."""
    found = number(shown, kind, field, (4 if brief else 9) * VALUE_CHARACTER)
    if found is None:
        return ""
    if found.brief:
        found = Number((found.brief,), "rms" if field == "data" else "norm")
    return found.text if brief else f"{found.measure} {found.text}".strip()
