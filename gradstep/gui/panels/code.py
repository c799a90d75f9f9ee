"""A Python file as text with styles. No Qt: it is read and tokenized beside the GUI thread."""

from __future__ import annotations

import io
import keyword
import tokenize
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

TAB = 4
_NAMES_OF_VALUES = {"True", "False", "None"}
_LAYOUT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT}


class Style(StrEnum):
    PLAIN = "plain"
    KEYWORD = "keyword"
    REMARK = "remark"  # comments and docstrings


@dataclass(frozen=True)
class Span:
    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True)
class Code:
    """``lines[0]`` is line 1. ``problem`` says why the file could not be read, or is empty."""

    path: str
    lines: tuple[tuple[Span, ...], ...] = ()
    problem: str = ""
    texts: tuple[str, ...] = ()
    title: str = ""

    def column(self, line: int, offset: int) -> int:
        """Where on the screen, in characters, a column that Python reports is: Python counts
        UTF-8 bytes, the screen characters and tabs."""
        text = self.texts[line - 1] if 0 < line <= len(self.texts) else ""
        return len(text.encode()[:offset].decode("utf-8", "ignore").expandtabs(TAB))


def read_code(path: str) -> Code:
    """The file as Python itself would decode it. Never raises."""
    try:
        source = _decode(path)
    except OSError as error:
        return Code(path, problem=f"{Path(path).name} cannot be read: {error.strerror or error}.")
    return code_of(path, source)


def code_of(path: str, source: str, title: str = "") -> Code:
    """``title``: how a person calls it, where that is not the file's name."""
    # Not splitlines: it also cuts at form feeds, where Python's line numbers do not.
    texts = tuple(source.removesuffix("\n").split("\n")) if source else ()
    return Code(path, _style(source, texts), texts=texts, title=title)


def _decode(path: str) -> str:
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError, ValueError):
        # Not Python, which somebody else says; it can be looked at all the same.
        text = Path(path).read_bytes().decode("utf-8", "replace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _style(source: str, texts: tuple[str, ...]) -> tuple[tuple[Span, ...], ...]:
    marks: list[list[tuple[int, int, Style]]] = [[] for _ in texts]
    for (first, start), (last, end), style in _styled(source):
        for row in range(first, min(last, len(texts)) + 1):
            left = start if row == first else 0
            right = end if row == last else len(texts[row - 1])
            marks[row - 1].append((left, right, style))
    return tuple(_spans(text, marks[row]) for row, text in enumerate(texts))


def _styled(source: str) -> list[tuple[tuple[int, int], tuple[int, int], Style]]:
    """Where keywords, comments and docstrings are; up to where the source stops being Python."""
    found: list[tuple[tuple[int, int], tuple[int, int], Style]] = []
    statement_begins = True
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT or (
                token.type == tokenize.STRING and statement_begins
            ):
                found.append((token.start, token.end, Style.REMARK))
            elif (
                token.type == tokenize.NAME
                and keyword.iskeyword(token.string)
                and token.string not in _NAMES_OF_VALUES
            ):
                found.append((token.start, token.end, Style.KEYWORD))
            statement_begins = token.type in _LAYOUT
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def _spans(text: str, marks: list[tuple[int, int, Style]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    at = width = 0

    def add(end: int, style: Style) -> None:
        nonlocal at, width
        # Tabs reach to the next stop of the whole line, so they are expanded before it is cut.
        expanded = text[:end].expandtabs(TAB)
        if expanded[width:]:
            spans.append(Span(expanded[width:], style))
        at, width = end, len(expanded)

    for start, end, style in marks:
        add(start, Style.PLAIN)
        add(end, style)
    add(len(text), Style.PLAIN)
    return tuple(spans)
