"""Which lines of a file have code: where a line event can come."""

from __future__ import annotations

from types import CodeType

from gradstep.engine.running.warned import quiet


def lines_of(code: CodeType) -> frozenset[int]:
    """Lines of this code itself, without those of the functions defined in it."""
    return frozenset(line for _, _, line in code.co_lines() if line)


def line_with_code(file: str, line: int) -> int | None:
    """``line``, or the next one below it that has code; None when there is none.

    Raises ``OSError`` when the file cannot be read, ``SyntaxError`` or ``ValueError`` when it
    cannot be compiled."""
    with open(file, "rb") as source:
        text = source.read()
    with quiet():
        top = compile(text, file, "exec", dont_inherit=True)
    found: set[int] = set()
    stack = [top]
    while stack:
        code = stack.pop()
        found |= lines_of(code)
        stack += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return min((n for n in found if n >= line), default=None)
