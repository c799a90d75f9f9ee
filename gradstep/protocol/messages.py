"""Verbs go out, facts come back.

A frame is a length-prefixed JSON header and a raw body (``frames``). The header is one of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gradstep.protocol.fields import FieldError, decode, encode

VERSION = 1
"""Of the protocol. Both sides refuse another."""


@dataclass(frozen=True)
class Request:
    """``verb`` is looked up as ``do_<verb>`` in the engine."""

    id: int
    verb: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """The answer to request ``id``; its body, if any, follows the header."""

    id: int
    result: Any = None


@dataclass(frozen=True)
class Problem:
    """The one shape of an error: what happened, of which kind, where, and the traceback.

    ``kind``: ``busy`` (the program is running), ``overtaken`` (it was told to go on meanwhile),
    ``unknown`` (no such value or verb), ``invalid`` (a wrong argument), ``unavailable`` (the value
    cannot be read), ``bug`` (gradstep's own)."""

    kind: str
    message: str
    context: str = ""
    traceback: str = ""


PASSING = frozenset({"busy", "overtaken"})
"""Kinds of problems that the next stop does away with: then the same can be asked again."""


@dataclass(frozen=True)
class Refusal:
    """Request ``id`` could not be answered."""

    id: int
    problem: Problem


@dataclass(frozen=True)
class Event:
    """Something happened. ``name`` is looked up as ``on_<name>`` in the debuggee."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


Message = Request | Reply | Refusal | Event

_KINDS: dict[str, type] = {"request": Request, "reply": Reply, "refusal": Refusal, "event": Event}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_header(message: Message) -> dict[str, Any]:
    return {"type": _NAMES[type(message)], **encode(message)}


def from_header(header: Any) -> Message:
    """Raises ``FieldError`` when the header is not one of the four messages."""
    name = header.get("type") if isinstance(header, dict) else None
    if not isinstance(name, str) or name not in _KINDS:
        raise FieldError(f"not a message: {str(header)[:60]!r}")
    fields = {key: value for key, value in header.items() if key != "type"}
    message: Message = decode(_KINDS[name], fields, name)
    return message


class RequestFailed(Exception):
    """A request was refused. ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem
