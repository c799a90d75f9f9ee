"""What the norms of gradients say, in words. No Qt widgets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gradstep.gui.numbers import format_number
from gradstep.gui.translation import translate

FAR_APART = 1000.0
"""So much smaller at the input than at the output, a gradient vanishes; larger, it explodes."""


def verdict(norms: Sequence[tuple[str, float]]) -> str:
    """Whether gradients vanish or explode on their way to the input: the first layers compared with
    the last. Empty where too few are known."""
    broken = next((name for name, y in norms if not math.isfinite(y)), "")
    if broken:
        return translate("Plots", "Not finite at {0}").format(broken)
    zero = next((name for name, y in norms if y == 0), "")
    if zero:
        return translate("Plots", "{0} gets no gradient: 0").format(zero)
    if len(norms) < 2:
        return ""
    third = max(len(norms) // 3, 1)
    first = min(norms[:third], key=lambda n: n[1])
    last = max(norms[-third:], key=lambda n: n[1])
    steep = max(norms[:third], key=lambda n: n[1])
    if first[1] * FAR_APART < last[1]:
        times = format_number(float(f"{last[1] / first[1]:.2g}"), "float64", 3)
        return translate("Plots", "Vanishing: {0} gets {1} times less than {2}").format(
            first[0], times, last[0]
        )
    if steep[1] > FAR_APART * last[1]:
        times = format_number(float(f"{steep[1] / last[1]:.2g}"), "float64", 3)
        return translate("Plots", "Exploding: {0} gets {1} times more than {2}").format(
            steep[0], times, last[0]
        )
    return ""
