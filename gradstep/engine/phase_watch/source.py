"""What the user's source says about a line or a name: loops around it, what changes it."""

from __future__ import annotations

import ast
import functools
import linecache
import os
from collections.abc import Callable, Iterator
from types import CodeType, FrameType

from gradstep.engine.sites import Sites
from gradstep.protocol.trace import Place

Loop = ast.For | ast.AsyncFor | ast.While
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@functools.lru_cache(maxsize=256)
def loops_around(code: CodeType, line: int) -> list[Loop]:
    """Loops of the function ``code`` around ``line``, outermost first."""
    body = _body(code)
    nodes = walk_function(body) if body is not None else ()
    loops = [node for node in nodes if isinstance(node, (ast.For, ast.AsyncFor, ast.While))]
    return [n for n in loops if n.body[0].lineno <= line <= (n.body[-1].end_lineno or line)]


def additions(sites: Sites, frame: FrameType, name: str) -> Place | None:
    """The one line that adds to ``name``: ``total += loss``, ``total = total + loss``,
    ``losses.append(loss)``. Looked for in the functions on the stack, ``frame`` innermost."""
    at: FrameType | None = frame
    while at is not None:
        if sites.is_user(at.f_code):
            lines = _lines(at.f_code, name, _adds)
            if lines:
                return place_in(at.f_code, lines[0])
        at = at.f_back
    return None


def in_place_changes(sites: Sites, frame: FrameType | None, name: str) -> list[Place]:
    """Lines that change the tensor ``name`` in place, in the innermost function that has any."""
    while frame is not None:
        if sites.is_user(frame.f_code):
            lines = _lines(frame.f_code, name, _changes)
            if lines:
                return [place_in(frame.f_code, line) for line in lines]
        frame = frame.f_back
    return []


def place_in(code: CodeType, line: int) -> Place:
    name = code.co_qualname if code.co_name != "<module>" else ""
    return Place(os.path.abspath(code.co_filename), line, name)


def walk_function(body: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a function or module, without those of the functions in it; outer ones first."""
    for child in ast.iter_child_nodes(body):
        yield child
        if not isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            yield from walk_function(child)


def _lines(code: CodeType, name: str, matches: Callable[[ast.AST, str], bool]) -> list[int]:
    """Lines of the function ``code`` that do something to ``name``."""
    body = _body(code)
    found = walk_function(body) if body is not None else ()
    return sorted({getattr(node, "lineno", 0) for node in found if matches(node, name)})


@functools.lru_cache(maxsize=64)
def _body(code: CodeType) -> ast.AST | None:
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except (SyntaxError, ValueError, RecursionError):
        return None
    if code.co_name == "<module>":
        return tree
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if node.name == code.co_name and first == code.co_firstlineno:
                return node
    return None


def _adds(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.AugAssign):
        return _owner(node.target) == name
    if isinstance(node, ast.Assign):
        if _stores_item(node, name):
            return True
        if not isinstance(node.value, ast.BinOp) or not isinstance(node.value.op, ast.Add):
            return False
        names = {ast.unparse(n) for n in ast.walk(node.value) if isinstance(n, ast.expr)}
        return name in names and any(ast.unparse(target) == name for target in node.targets)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        adds = node.func.attr in ("append", "extend", "insert", "setdefault", "update")
        return adds and ast.unparse(node.func.value) == name
    return False


def _changes(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.AugAssign):
        return _owner(node.target) == name
    if isinstance(node, ast.Assign):
        return _stores_item(node, name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        method = node.func.attr
        in_place = method.endswith("_") and not method.startswith("_")
        owner = _owner(node.func.value).removesuffix(".data")
        return in_place and method != "requires_grad_" and owner == name
    return False


def _stores_item(node: ast.Assign, name: str) -> bool:
    items = (target.value for target in node.targets if isinstance(target, ast.Subscript))
    return any(ast.unparse(item) == name for item in items)


def _owner(node: ast.AST) -> str:
    """``h`` for ``h[:, 0]``."""
    return ast.unparse(node).partition("[")[0]
