"""Whether things stay where they were from one placement to the next. No Qt here."""

from __future__ import annotations

from gradstep.gui.graph.layout.placement import Placement

STAYS = 40.0
"""An item that moved less than this is where it was."""


def corner(placement: Placement, key: str) -> tuple[float, float] | None:
    """Where an item or a group begins; for a stack that was opened, its first member."""
    for each in (key, key.removeprefix("×"), f"×{key}"):
        rect = placement.groups.get(each) or placement.extents.get(each)
        if rect is not None:
            return rect.left, rect.top
    return None


def still(old: Placement, new: Placement) -> bool:
    """Whether most of what was shown stays where it was."""
    if old is new:
        return True
    before, after = old.boxes, new.boxes
    if old.flow != new.flow:
        return False
    common = [key for key in before if key in after]
    stays = sum(
        abs(before[key][0] - after[key][0]) + abs(before[key][1] - after[key][1]) < STAYS
        for key in common
    )
    return 2 * stays >= len(before)
