"""Parameters put together by layer and by block, where not each can have a column. No Qt."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Parts = dict[str, float | None]


@dataclass(frozen=True)
class Row:
    """One parameter or module, or several. ``ref`` selects (the first one's) value."""

    name: str
    ref: str
    parts: Parts
    count: int = 1


def squares(values: Sequence[float]) -> float:
    """The norm of tensors taken together, by their norms."""
    return math.hypot(*values)


def total(values: Sequence[float]) -> float:
    """Of counts."""
    return math.fsum(values)


def fitting(
    rows: list[Row], columns: int, together: Callable[[Sequence[float]], float]
) -> list[Row]:
    """``rows``, or what they are parts of if there are more than ``columns``: first their modules,
    then their blocks (the path up to its first number)."""
    for owner in (_module, block):
        if len(rows) <= columns:
            break
        rows = grouped(rows, owner, together)
    return rows


def grouped(
    rows: list[Row], owner: Callable[[str], str], together: Callable[[Sequence[float]], float]
) -> list[Row]:
    """Neighbours of one owner become one row; what one of them lacks is left out of it."""
    found: list[list[Row]] = []
    for row in rows:
        if found and owner(found[-1][0].name) == owner(row.name):
            found[-1].append(row)
        else:
            found.append([row])
    return [_one(group, owner, together) for group in found]


def _one(
    group: list[Row], owner: Callable[[str], str], together: Callable[[Sequence[float]], float]
) -> Row:
    if len(group) == 1:
        return group[0]
    parts: Parts = {}
    for key in group[0].parts:
        known = [y for row in group if (y := row.parts[key]) is not None]
        parts[key] = together(known) if known else None
    count = sum(row.count for row in group)
    return Row(owner(group[0].name), group[0].ref, parts, count)


def _module(name: str) -> str:
    return name.rpartition(".")[0] or name


def block(name: str) -> str:
    """``h.3`` of ``h.3.attn.weight``; ``embed`` of ``embed.weight``."""
    parts = name.split(".")
    number = next((k for k, part in enumerate(parts) if part.isdigit()), 0)
    return ".".join(parts[: number + 1])
