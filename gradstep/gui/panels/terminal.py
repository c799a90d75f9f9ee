"""What a terminal would show of two streams of text, as far as a console needs it. No Qt."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*)?$")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LONGEST = 4000
"""Characters of a line that are shown; a longer one ends in an ellipsis."""


@dataclass(frozen=True)
class Line:
    """A line belongs to one stream: output and errors come through pipes of their own, and what
    would be mixed within a line is put in order by whole lines."""

    stream: str
    text: str


@dataclass(frozen=True)
class Batch:
    """``finished``: the lines since the last batch; ``unfinished``: those without an end yet, which
    the next batch brings again."""

    finished: list[Line]
    unfinished: list[Line]


class Terminal:
    """Text in, lines out. A carriage return writes over the line it stands in (progress bars);
    escape sequences (colours) are left out. Keeps the last ``capacity`` lines that nobody has
    taken yet, so that a flood costs no more than what can be seen of it."""

    def __init__(self, capacity: int) -> None:
        self._finished: deque[Line] = deque(maxlen=capacity)
        self._open: dict[str, _OpenLine] = {}

    def write(self, stream: str, text: str) -> None:
        # The stream that wrote last stands last.
        line = self._open.pop(stream, None) or _OpenLine()
        self._open[stream] = line
        head, *rest = line.complete(text).split("\n")
        line.write(head)
        for part in rest:
            self._finished.append(Line(stream, line.text))
            line.clear()
            line.write(part)

    def take(self) -> Batch:
        """What came since the last call, and what has no end yet."""
        finished = list(self._finished)
        self._finished.clear()
        return Batch(finished, [Line(s, line.text) for s, line in self._open.items() if line.text])


class _OpenLine:
    """A line that is still being written."""

    def __init__(self) -> None:
        self.text = ""
        self._held = ""  # the beginning of an escape sequence, or a return that may end a line

    def complete(self, text: str) -> str:
        """``text`` after what was held back, without escape sequences; holds back a new rest."""
        text = _ESCAPE.sub("", self._held + text)
        rest = _UNFINISHED.search(text)
        self._held = rest.group() if rest else "\r" if text.endswith("\r") else ""
        return text[: len(text) - len(self._held)].replace("\r\n", "\n")

    def write(self, text: str) -> None:
        *gone, kept = text.split("\r")
        if gone:
            self.text = ""
        kept = _INVISIBLE.sub("", kept)
        room = LONGEST - len(self.text)
        if len(kept) > room:
            kept = kept[:room] + "…" if room >= 0 else ""
        self.text += kept

    def clear(self) -> None:
        self.text = ""
