"""Where an operation's inputs stand around it. No Qt here."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from gradstep.gui.graph.scene import LEAVES, Link, Role, Scene

OUT = 1.25
"""Rows between a main line and a leaf beside it; two leaves around an operation stand nearer."""


@dataclass(frozen=True)
class Seat:
    """``main``: runs straight into the operation. ``side``: rows before (-) or after (+) it."""

    main: bool
    side: float


def seats(scene: Scene, beside: Container[str] = ()) -> dict[str, Seat]:
    """By the key of each link; not for those from leaves that stand ``beside`` their operation."""
    by_target: dict[str, list[Link]] = {}
    for link in scene.links.values():
        if link.source in beside:
            continue
        by_target.setdefault(link.target, []).append(link)
    found: dict[str, Seat] = {}
    for links in by_target.values():
        links.sort(key=lambda link: (link.input, link.key))
        roles = [scene.items[link.source].role for link in links]
        main = _main(roles)
        found.update(zip((link.key for link in links), _around(roles, main), strict=True))
    return found


def _main(roles: list[Role]) -> int | None:
    """What another operation made; else, with one leaf or more than two, the data; else none."""
    made = [i for i, role in enumerate(roles) if role not in LEAVES]
    if made:
        return made[0]
    if len(roles) == 1:
        return 0
    data = [i for i, role in enumerate(roles) if role == Role.DATA]
    return data[0] if data and len(roles) > 2 else None


def _around(roles: list[Role], main: int | None) -> list[Seat]:
    if main is None:
        middle = (len(roles) - 1) / 2
        return [Seat(False, 2 * (i - middle)) for i in range(len(roles))]
    found: list[Seat] = []
    above, below = main - sum(role not in LEAVES for role in roles[:main]), 0
    extra = 0
    for i, role in enumerate(roles):
        if i == main:
            found.append(Seat(True, 0.0))
        elif role not in LEAVES:
            found.append(Seat(False, 0.0))
        elif i < main:
            found.append(Seat(False, -OUT * above))
            above -= 1
        elif role == Role.PARAMETER and extra <= below:
            extra += 1
            found.append(Seat(False, -OUT * (extra + main)))
        else:
            below += 1
            found.append(Seat(False, OUT * below))
    return found
