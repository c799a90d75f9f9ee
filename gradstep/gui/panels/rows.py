"""Which row of the view a line of source stands in. No Qt."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Rows:
    """``lines`` lines (from 1) in rows (from 0), with one more row above each of ``noted``."""

    def __init__(self, lines: int = 0, noted: Iterable[int] = ()) -> None:
        self.lines = lines
        self.noted = tuple(sorted({line for line in noted if 1 <= line <= lines}))
        self._note_rows = [line - 1 + i for i, line in enumerate(self.noted)]

    def __len__(self) -> int:
        return self.lines + len(self.noted)

    def row_of(self, line: int) -> int:
        return line - 1 + bisect_right(self.noted, line)

    def line_at(self, row: int) -> int:
        """The line in ``row``, or below the note in it; 0 outside."""
        if not 0 <= row < len(self):
            return 0
        return row + 1 - bisect_left(self._note_rows, row)

    def is_note(self, row: int) -> bool:
        i = bisect_left(self._note_rows, row)
        return i < len(self._note_rows) and self._note_rows[i] == row
