"""What backward was called on, by iteration: which loss of the program's each is, and where its
epochs begin. Cheap enough for every backward at full speed; bounded in any run."""

from __future__ import annotations

import ast
from array import array
from collections import Counter
from types import CodeType, FrameType
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from gradstep.engine.sites import Sites, own_frame
from gradstep.protocol.trace import Losses

LOSSES = 1_000_000
SOURCES = 64
"""Places of backward that are told apart; all others are one."""
LONGEST = 28
"""Letters of an expression that is still a name."""
MARKS = 10_000
"""Beginnings of epochs that are remembered."""

_TENSOR_BACKWARD: CodeType = Tensor.backward.__code__
_NOWHERE = ("", 0)
_LOOP = -1  # in the place of a loader's number


class LossLog:
    """The last ``LOSSES`` losses. ``note`` is called in the program's threads, ``told`` by the
    link."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._iterations, self._values = array("q"), array("d")
        self._samples: dict[int, int] = {}
        """Of an experiment: which sample a loss belongs to, by the loss's number."""
        self._first = 0
        self._of = array("B")
        """The place that each was sent back from."""
        self._places: dict[tuple[int, int], int] = {}
        self._named: list[tuple[str, int]] = [_NOWHERE]
        self._marks: list[tuple[int, int]] = []
        """How many losses there had been, and what began an epoch there: a loop, or a loader."""
        self._variable: tuple[dict[str, Any], str] | None = None
        self._now: object = None
        self._known: tuple[int, tuple[int, ...]] = (0, ())
        """The epochs found in so many marks, after the last of which a loss has come."""

    def __len__(self) -> int:
        return self._first + len(self._values)

    # ------------------------------------------------------------------ in the program

    def note(
        self, iteration: int, value: float, sample: int | None, frame: FrameType | None
    ) -> None:
        """``sample`` counts from 1; None when it is not known. Backward was called within
        ``frame``."""
        # Most often ``autograd.backward`` was called by ``Tensor.backward``, and that by the user.
        user = frame.f_back if frame is not None else None
        if user is not None and user.f_code is _TENSOR_BACKWARD:
            user = user.f_back
        place = self._places.get((id(user.f_code), user.f_lasti)) if user is not None else 0
        if place is None:
            place = self._find(frame)
        if self._variable is not None:
            names, name = self._variable
            now = names.get(name)
            if now is not self._now:
                self._now = now
                self._mark(_LOOP)
        self._iterations.append(iteration)
        self._values.append(value)
        self._of.append(place)
        if sample:
            self._samples[len(self) - 1] = sample
        if len(self._values) > LOSSES:
            self._halve()

    def _halve(self) -> None:
        half = LOSSES // 2
        del self._iterations[:half], self._values[:half], self._of[:half]
        self._first += half
        self._samples = {i: n for i, n in self._samples.items() if i >= self._first}

    def _find(self, frame: FrameType | None) -> int:
        """The place, perhaps one from which none was sent back before."""
        user = self._sites.user_frame(frame)
        if user is None:
            return 0
        known = self._places.get((id(user.f_code), user.f_lasti))
        if known is not None:
            return known
        number = len(self._named)
        if number < SOURCES:
            self._named.append((_name(self._sites, user, frame), user.f_lineno))
        else:
            number = 0
        self._places[id(user.f_code), user.f_lasti] = number
        return number

    # ------------------------------------------------------------------ epochs

    def epoch_begins(self) -> None:
        """What comes from now on belongs to another epoch."""
        self._mark(_LOOP)

    def loader_begins(self, loader: object) -> None:
        """The program goes through its data from the start."""
        self._mark(id(getattr(loader, "dataset", loader)))

    def count_by(self, variable: tuple[dict[str, Any], str] | None) -> None:
        """The loop of the epochs counts in this variable of a module."""
        if variable is not None and self._variable is None:
            self._variable = variable
            self._now = variable[0].get(variable[1])
            self._mark(_LOOP)

    def _mark(self, by: int) -> None:
        mark = (len(self), by)
        if len(self._marks) < MARKS and (not self._marks or self._marks[-1] != mark):
            self._marks.append(mark)

    def _epochs(self) -> tuple[int, ...]:
        """Where each begins. A loop is believed before loaders, and of these the one that was
        gone through when the first loss came: others are for validation."""
        marks = list(self._marks)
        if len(marks) == self._known[0]:
            return self._known[1]
        found = self._beginnings(marks)
        if marks and marks[-1][0] < len(self):
            self._known = (len(marks), found)
        return found

    def _beginnings(self, marks: list[tuple[int, int]]) -> tuple[int, ...]:
        kinds = {by for _, by in marks}
        if _LOOP in kinds:
            chosen = _LOOP
        else:
            at_first = [by for at, by in marks if at == 0]
            if not at_first:
                return ()
            chosen = at_first[-1]
        return tuple(sorted({at for at, by in marks if by == chosen and at < len(self)}))

    # ------------------------------------------------------------------ told

    def told(self, since: int) -> Losses:
        skip = max(0, since - self._first)
        first = self._first + skip
        iterations, values = tuple(self._iterations[skip:]), tuple(self._values[skip:])
        count = min(len(iterations), len(values))  # one may be coming in
        samples = [self._samples.get(first + i, 0) for i in range(count)]
        sources = tuple(self._of[skip : skip + count])
        return Losses(
            first,
            iterations[:count],
            values[:count],
            tuple(f"sample {n}" if n else "" for n in samples) if any(samples) else (),
            sources if any(sources) else (),
            self._names(),
            tuple(at for at in self._epochs() if at >= first),
        )

    def _names(self) -> tuple[str, ...]:
        named = list(self._named)
        often = Counter(name for name, _ in named)
        return tuple(
            f"{name}, line {line}"
            if name and often[name] > 1
            else name or (line and f"line {line}") or ""
            for name, line in named
        )


def watch_loaders(log: LossLog) -> None:
    """``DataLoader.__iter__`` tells ``log``: once in an epoch."""
    owner: Any = DataLoader
    original = owner.__iter__

    def __iter__(self: Any) -> Any:
        log.loader_begins(self)
        return original(self)

    __iter__.__doc__, __iter__.__module__ = original.__doc__, original.__module__
    __iter__.__qualname__ = original.__qualname__
    owner.__iter__ = __iter__


def _name(sites: Sites, user: FrameType, frame: FrameType | None) -> str:
    """What is sent back at ``user``, as it is written there; ``""`` where that says nothing."""
    call = sites.node(user)
    if not isinstance(call, ast.Call):
        return ""
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    if _called_from(user, frame) is _TENSOR_BACKWARD and receiver is not None:
        return _short(receiver)
    return _short(call.args[0]) if call.args else ""


def _called_from(user: FrameType, frame: FrameType | None) -> CodeType | None:
    """What ``user`` has called on the way to ``frame``, but for our own functions."""
    called = None
    while frame is not None and frame is not user:
        if not own_frame(frame):
            called = frame.f_code
        frame = frame.f_back
    return called


def _short(expression: ast.expr) -> str:
    """``loss`` for ``scaler.scale(loss)``."""
    if isinstance(expression, ast.Call) and len(expression.args) == 1:
        called = expression.func
        if isinstance(called, ast.Attribute) and called.attr == "scale":
            return _short(expression.args[0])
    if isinstance(expression, (ast.List, ast.Tuple)) and len(expression.elts) == 1:
        return _short(expression.elts[0])
    text = ast.unparse(expression)
    return text if len(text) <= LONGEST else ""
