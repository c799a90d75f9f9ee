"""What the phase watch noticed about the training itself."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.phases import Phase
from gradstep.protocol.trace import Place


@dataclass(frozen=True)
class Finding:
    """One fact, told once in a run. ``kind`` names the rule (``never_zeroed``); ``title`` says what
    happened, ``text`` more of it with the actual numbers, ``suggestion`` what to do, and where:
    ``place``."""

    kind: str
    title: str
    text: str = ""
    suggestion: str = ""
    place: Place | None = None
    iteration: int = 0
    phase: Phase | None = None
