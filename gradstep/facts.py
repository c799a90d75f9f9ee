"""What a debuggee tells its listener besides the protocol's own ``Loaded`` and ``Stop``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradstep.protocol.findings import Finding
from gradstep.protocol.rerun import LandscapePart
from gradstep.protocol.trace import Loaded, Stop


@dataclass(frozen=True)
class Running:
    """The program goes on."""


@dataclass(frozen=True)
class Output:
    """Text that the program wrote to ``stdout`` or ``stderr``."""

    stream: str
    text: str


@dataclass(frozen=True)
class Progress:
    """Sent a few times a second while the program runs."""

    iteration: int


@dataclass(frozen=True)
class Exited:
    """The process is gone. ``code`` as the shell sees it; ``signal`` when it was killed."""

    code: int
    signal: str = ""


Fact = Loaded | Running | Stop | Finding | Output | Progress | LandscapePart | Exited
Listener = Callable[[Fact], None]
"""Called in background threads, in order per source."""
