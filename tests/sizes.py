"""What is longer than our habits allow: told, not enforced."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = 400
FUNCTION = 60
"""Lines. The habit is 50 for a function; what is a little longer is not worth a word."""


def too_long() -> list[str]:
    """Files and functions of the package, each with its length."""
    found: list[str] = []
    for path in sorted((ROOT / "gradstep").rglob("*.py")):
        text, name = path.read_text(), path.relative_to(ROOT)
        if (lines := text.count("\n")) > FILE:
            found.append(f"{name} has {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION:
                found.append(f"{name}:{node.lineno} {node.name} has {lines} lines")
    return found
