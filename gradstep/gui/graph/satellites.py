"""Parameters that stand beside their operation, across the flow: above and below it when the flow
goes right. So a chain of layers stays a straight chain, with its weights around it. No Qt here.
"""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.gui.graph.scene import LEAVES, Link, Role, Scene


@dataclass(frozen=True)
class Satellite:
    """``side``: -1 before its operation (above), 1 after (below)."""

    link: Link
    side: int


def satellites(scene: Scene) -> dict[str, Satellite]:
    """By leaf. A parameter of a single operation, in the same frame, that also has something coming
    in."""
    by_target: dict[str, list[Link]] = {}
    uses: dict[str, int] = {}
    for link in scene.links.values():
        by_target.setdefault(link.target, []).append(link)
        uses[link.source] = uses.get(link.source, 0) + 1
    found: dict[str, Satellite] = {}
    for links in by_target.values():
        links.sort(key=lambda link: (link.input, link.key))
        roles = [scene.items[link.source].role for link in links]
        made = any(role not in LEAVES for role in roles)
        owned = any(scene.items[link.source].groups for link in links)
        if not made and not (Role.DATA in roles and (owned or len(links) > 2)):
            continue
        side = -1
        for link, role in zip(links, roles, strict=True):
            alone = uses[link.source] == 1 and (
                scene.items[link.source].groups == scene.items[link.target].groups
            )
            if role == Role.PARAMETER and alone and side <= 1:
                found[link.source] = Satellite(link, side)
                side += 2
    return found
