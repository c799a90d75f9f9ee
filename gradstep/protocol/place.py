"""A line of source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A line of source. ``line`` counts from 1; columns from 0, -1 if unknown."""

    file: str
    line: int
    function: str = ""
    column: int = -1
    end_column: int = -1
