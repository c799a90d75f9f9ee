"""Which line of the user's source a call stands on, and what it calls its values there.

A call site is a code object and an instruction. Its columns (PEP 657) find the expression in the
syntax tree; the statement around it says what the result is called. Each site is looked up once.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
import weakref
from dataclasses import dataclass
from types import CodeType, FrameType

from gradstep.engine.torch_internals import is_own_line
from gradstep.protocol.trace import Place

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_EXPERIMENT = os.path.join(_HERE, "experiment.py")
# Where Python's own modules lie; asking sysconfig would cost a script's start 5 ms.
_STDLIB = os.path.dirname(os.path.abspath(os.__file__))
# What a person types at a prompt, or into a cell (ipykernel's have names of files).
_TYPED = ("<ipython-input-", "<python-input-", "<stdin>")
_LIBRARY = tuple(os.path.join(path, "") for path in {_STDLIB, os.path.realpath(_STDLIB)})


_HANDLERS = ("__torch_function__", "__torch_dispatch__")


@dataclass(frozen=True)
class Site:
    """``target``: the variable that takes the result, if it is a plain one. ``returned``: the
    result is what the function returns, so its caller names it. ``operands``: the source text of
    what the call is made on and of its arguments, in the order they are written."""

    place: Place
    target: str = ""
    returned: bool = False
    operands: tuple[str, ...] = ()


class Sites:
    """Every call site seen so far. ``folder`` is the program's: its files are the user's."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(os.path.realpath(folder), "")
        # By identity: hashing a code object hashes all that is in it. The code is kept with its
        # entry, so that its address is not given to another.
        self._user: dict[int, tuple[bool, CodeType]] = {}
        self._standing: dict[int, tuple[bool, CodeType]] = {}
        self._sites: dict[tuple[int, int], tuple[Site, CodeType]] = {}
        self._classes: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()
        self._trees: dict[str, dict[tuple[int, int, int, int], tuple[ast.AST, ast.AST]]] = {}

    def is_user(self, code: CodeType) -> bool:
        """Whether the code is the user's own: not Python's, not a library's, not gradstep's."""
        known = self._user.get(id(code))
        if known is None:
            known = self._user[id(code)] = (self._judge(code.co_filename), code)
        return known[0]

    def is_user_class(self, kind: type) -> bool:
        """Whether a class is written in the user's own code."""
        if kind.__module__ in ("builtins", "torch"):
            return False
        known = self._classes.get(kind)
        if known is None:
            file = getattr(sys.modules.get(kind.__module__), "__file__", None)
            known = self._classes[kind] = isinstance(file, str) and self._judge(file)
        return known

    def names_values(self, code: CodeType) -> bool:
        """Whether variables of this code are names that a person knows: the user's own, and the
        ``x`` and ``y`` of an experiment's forward."""
        return self.is_user(code) or code.co_filename == _EXPERIMENT

    def naming_frame(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame from ``frame`` outwards whose variables are names."""
        while frame is not None and not self.names_values(frame.f_code):
            frame = frame.f_back
        return frame

    def user_frame(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame of user code from ``frame`` outwards. A handler of the user's own
        tensor class or mode is passed by: the call that it handles was made farther out."""
        standing = self._standing
        while frame is not None:
            code = frame.f_code
            known = standing.get(id(code))
            if known is None:
                stands = self.is_user(code) and code.co_name not in _HANDLERS
                known = standing[id(code)] = (stands, code)
            if known[0]:
                return frame
            frame = frame.f_back
        return None

    def at(self, frame: FrameType) -> Site:
        """The site at which ``frame`` stands."""
        key = (id(frame.f_code), frame.f_lasti)
        known = self._sites.get(key)
        if known is None:
            known = self._sites[key] = (self._look(frame), frame.f_code)
        return known[0]

    def node(self, frame: FrameType) -> ast.AST | None:
        """The expression of the source at which ``frame`` stands."""
        line, end, column, end_column = _position(frame.f_code, frame.f_lasti)
        if line is None or end is None or column is None or end_column is None:
            return None
        found = self._tree(frame.f_code.co_filename).get((line, end, column, end_column))
        return found[0] if found is not None else None

    def name_of_result(self, frame: FrameType | None) -> str:
        """What the program calls the result of the call made at ``frame``; empty if nothing."""
        while frame is not None:
            site = self.at(frame)
            if not site.returned:
                return site.target if self.is_user(frame.f_code) else ""
            frame = frame.f_back
        return ""

    def name_of_argument(self, frame: FrameType | None, argument: object) -> str:
        """The variable or attribute that stands for ``argument`` in the call at the user's frame
        that ``frame`` belongs to."""
        frame = self.naming_frame(frame)
        if frame is None:
            return ""
        for text in self.at(frame).operands:
            if text and resolve(frame, text) is argument:
                return text
        return ""

    def _judge(self, filename: str) -> bool:
        if filename.startswith("<"):
            return filename.startswith(_TYPED)
        path = os.path.realpath(filename)
        # A home folder may well hold the program and Python itself.
        within = tuple(p for p in (*_LIBRARY, _HERE + os.sep) if len(p) > len(self._folder))
        if path.startswith(self._folder) and not path.startswith(within):
            inner = path[len(self._folder) :].replace("\\", "/").split("/")
            return "site-packages" not in inner and "dist-packages" not in inner
        if path.startswith(_HERE + os.sep) or path.startswith(_LIBRARY):
            return False
        return f"{os.sep}site-packages{os.sep}" not in path and "dist-packages" not in path

    def _look(self, frame: FrameType) -> Site:
        code = frame.f_code
        line, end, column, end_column = _position(code, frame.f_lasti)
        line = line or frame.f_lineno
        place = Place(
            source_name(code.co_filename),
            line,
            code.co_qualname if code.co_name != "<module>" else "",
            column if column is not None else -1,
            end_column if end_column is not None else -1,
        )
        if end is None or column is None or end_column is None:
            return Site(place)
        found = self._tree(code.co_filename).get((line, end, column, end_column))
        if found is None:
            return Site(place)
        node, parent = found
        returned = isinstance(parent, ast.Return)
        return Site(place, _target(node, parent), returned, _operands(node))

    def _tree(self, file: str) -> dict[tuple[int, int, int, int], tuple[ast.AST, ast.AST]]:
        known = self._trees.get(file)
        if known is not None:
            return known
        table: dict[tuple[int, int, int, int], tuple[ast.AST, ast.AST]] = {}
        self._trees[file] = table
        try:
            tree = ast.parse("".join(linecache.getlines(file)))
        except (SyntaxError, ValueError, RecursionError):
            return table
        for parent in ast.walk(tree):
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, (ast.expr, ast.AugAssign)):
                    key = (
                        node.lineno,
                        node.end_lineno or node.lineno,
                        node.col_offset,
                        node.end_col_offset or -1,
                    )
                    table.setdefault(key, (node, parent))
        return table


def resolve(frame: FrameType, text: str) -> object:
    """What a name, or an attribute of a plain object, stands for in ``frame``; None if unknown.

    Only instance dictionaries and module registries are read: a property could run user code."""
    first, *attributes = text.split(".")
    if not first.isidentifier():
        return None
    value = frame.f_locals.get(first, frame.f_globals.get(first))
    for attribute in attributes:
        fields = getattr(value, "__dict__", {})
        for registry in (fields, fields.get("_parameters"), fields.get("_buffers")):
            if isinstance(registry, dict) and attribute in registry:
                value = registry[attribute]
                break
        else:
            return None
    return value


def _position(code: CodeType, lasti: int) -> tuple[int | None, int | None, int | None, int | None]:
    positions = code.co_positions()
    for index, position in enumerate(positions):
        if index == lasti // 2:
            return position
    return None, None, None, None


def _target(node: ast.AST, parent: ast.AST) -> str:
    if isinstance(node, ast.AugAssign):
        return _text(node.target)
    if isinstance(parent, ast.Assign) and parent.value is node and len(parent.targets) == 1:
        return _text(parent.targets[0])
    if isinstance(parent, (ast.AnnAssign, ast.NamedExpr)) and parent.value is node:
        return _text(parent.target)
    return ""


def _operands(node: ast.AST) -> tuple[str, ...]:
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.AugAssign):
        parts = [node.target, node.value]
    elif isinstance(node, ast.UnaryOp):
        parts = [node.operand]
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            parts.append(node.func.value)
        parts += [a for a in node.args if not isinstance(a, ast.Starred)]
    return tuple(_text(part) for part in parts)


def _text(node: ast.AST) -> str:
    """Names, attributes and simple subscripts are names; anything longer is not."""
    inner: ast.AST = node
    while isinstance(inner, (ast.Attribute, ast.Subscript)):
        inner = inner.value
    if not isinstance(inner, ast.Name):
        return ""
    text = ast.unparse(node)
    return text if len(text) <= 40 else ""


def source_name(filename: str) -> str:
    """The file of a place: absolute, but for what was typed and lies in none."""
    return filename if filename.startswith("<") else os.path.abspath(filename)


def own_frame(frame: FrameType, line: int | None = None) -> bool:
    """Whether the frame is gradstep's (to be left out of tracebacks), at ``line`` of it, which is
    the one that runs if none is given."""
    code = frame.f_code
    return own_code(code) or is_own_line(code, frame.f_lineno if line is None else line)


def own_code(code: CodeType) -> bool:
    return os.path.abspath(code.co_filename).startswith(os.path.join(_HERE, "engine"))
