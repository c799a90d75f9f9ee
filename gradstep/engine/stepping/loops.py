"""Epochs of a script: the loop around the training loop, found in its source."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from types import FrameType
from typing import Any

from gradstep.engine.running.warned import quiet
from gradstep.engine.sites import Sites

_Loop = ast.For | ast.While | ast.AsyncFor
_LOOPS = (ast.For, ast.While, ast.AsyncFor)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)

NO_EPOCHS = (
    "There is no loop around the training loop, so there are no epochs to go by; go on by "
    "iterations, or run to a line."
)


@dataclass(frozen=True)
class _Frame:
    file: str
    line: int


class Epochs:
    """Remembers where backward was called last. ``asks``: the next backward is to be told, by
    ``learn``; it costs a walk over the frames, so not every one is."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self.asks = True
        self._frames: tuple[_Frame, ...] = ()

    @property
    def known(self) -> bool:
        return bool(self._frames)

    def learn(self, frame: FrameType | None) -> None:
        """Backward is being called at ``frame``."""
        self.asks = False
        found = []
        frame = self._sites.user_frame(frame)
        while frame is not None:
            code = frame.f_code
            found.append(_Frame(code.co_filename, frame.f_lineno))
            frame = self._sites.user_frame(frame.f_back)
        self._frames = tuple(found)

    def header(self) -> tuple[str, int] | None:
        """File (without links) and line that run at the beginning of each epoch; None if there are
        not two loops around backward, in its function or in the callers'."""
        loops = [(f.file, loop) for f in self._frames for loop in _loops_around(f)]
        if len(loops) < 2:
            return None
        file, loop = loops[1]
        return os.path.realpath(file), _line_run_again(loop)

    def variable(self, frame: FrameType | None) -> tuple[dict[str, Any], str] | None:
        """The variable in which the loop of the epochs counts, with the module's names; None where
        it is a function's, which cannot be read without disturbing it."""
        frame, outer = self._sites.user_frame(frame), None
        found = 0
        for place in self._frames:
            assert frame is not None
            for loop in _loops_around(place):
                found += 1
                if found == 2:
                    outer = loop
                    break
            if outer is not None:
                break
            frame = self._sites.user_frame(frame.f_back)
        if not isinstance(outer, ast.For) or not isinstance(outer.target, ast.Name):
            return None
        if frame is None or frame.f_code.co_name != "<module>":
            return None
        return frame.f_globals, outer.target.id


def _loops_around(place: _Frame) -> list[_Loop]:
    """Innermost first, within the function."""
    try:
        with open(place.file, "rb") as source, quiet():
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    around: list[_Loop] = []
    node: ast.AST | None = tree
    while node is not None:
        if isinstance(node, _SCOPES):
            around.clear()  # loops around a definition do not run it
        inner = None
        for child in ast.iter_child_nodes(node):
            if _contains(child, place.line):
                inner = child
        if isinstance(node, _LOOPS) and inner in node.body:
            around.append(node)
        node = inner
    around.reverse()
    return around


def _contains(node: ast.AST, line: int) -> bool:
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if first is None or last is None:  # a case of a match has no place of its own
        return any(_contains(child, line) for child in ast.iter_child_nodes(node))
    decorators = getattr(node, "decorator_list", ())
    return bool(min([first, *(d.lineno for d in decorators)]) <= line <= last)


def _line_run_again(loop: _Loop) -> int:
    """``while True`` has no code of its own: its body's first line runs again."""
    if isinstance(loop, ast.While) and isinstance(loop.test, ast.Constant) and loop.test.value:
        return loop.body[0].lineno
    return loop.lineno
