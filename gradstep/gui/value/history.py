"""What values were before: one earlier number per value. No Qt."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from gradstep.protocol.trace import Change, Stop
from gradstep.protocol.values import Number, Preview, ValueInfo, ValueKind

MAX_VALUES = 4096

LEAVES = (ValueKind.PARAMETER, ValueKind.BUFFER, ValueKind.DATA)
_FIELD = {"data": "value", "grad": "grad"}  # of a value: of a change


@dataclass(frozen=True)
class Earlier:
    """``number`` is what it last was before it became what it is (None: there was no number, as
    for a ``.grad`` that was None); ``iteration`` when that was last seen."""

    number: Number | None
    iteration: int


@dataclass
class _Track:
    now: Number | None
    seen: int
    earlier: Earlier | None = None


class History:
    """Remembers, of every single number that is shown or listed, what it was before."""

    def __init__(self) -> None:
        self._tracks: OrderedDict[tuple[str, str], _Track] = OrderedDict()
        self._had_grad: set[str] = set()

    def clear(self) -> None:
        self._tracks.clear()
        self._had_grad.clear()

    def note(self, info: ValueInfo, iteration: int) -> None:
        """``info`` is what the value is now. Of tensors of more than one number only whether they
        have had a ``.grad`` is remembered."""
        if info.has_grad and info.kind in LEAVES:
            self._had_grad.add(key_of(info))
        if info.tensor.numel != 1:
            return
        for field, preview in (("data", info.data), ("grad", info.grad)):
            self._note(key_of(info), field, single(preview), iteration)

    def _note(self, name: str, field: str, number: Number | None, iteration: int) -> None:
        key = (name, field)
        track = self._tracks.get(key)
        if track is None:
            self._tracks[key] = _Track(number, iteration)
            if len(self._tracks) > MAX_VALUES:
                self._tracks.popitem(last=False)
            return
        self._tracks.move_to_end(key)
        if not _same(track.now, number):
            track.earlier = Earlier(track.now, track.seen)
            track.now = number
        elif field == "grad" and track.earlier and iteration > track.earlier.iteration + 1:
            # It was something else in between, which nobody has looked at.
            track.earlier = None
        track.seen = iteration

    def earlier(self, info: ValueInfo, field: str) -> Earlier | None:
        """What ``field`` (``data`` or ``grad``) was before; None when it never changed."""
        track = self._tracks.get((key_of(info), field))
        return track.earlier if track else None

    def had_grad(self, info: ValueInfo) -> bool:
        """Whether a leaf has ever been seen with a ``.grad``."""
        return key_of(info) in self._had_grad


def key_of(info: ValueInfo) -> str:
    """A leaf is the same value by its name and by its place on any iteration's graph."""
    return info.name if info.kind in LEAVES else info.ref


def single(preview: Preview | None) -> Number | None:
    """The one number of a preview, if it is one."""
    if preview is None or preview.elements is None or len(preview.elements) != 1:
        return None
    return preview.elements[0]


def change_of(stop: Stop | None, info: ValueInfo, field: str) -> Change | None:
    """What the last operation did to ``field`` of this value."""
    changes = [c for c in (stop.changed if stop else ()) if c.field == _FIELD[field]]
    if field == "grad" and not info.has_grad:
        # What was seen at operation level may have been undone at full speed.
        changes = [c for c in changes if c.after is None]
    if info.kind in LEAVES:
        # What came along an edge of the graph has the leaf's name, too: that is what is added to
        # its .grad, not what became of it.
        wanted = info.name or info.ref
        return next((c for c in changes if c.ref == wanted), None)
    return next((c for c in changes if c.ref == info.ref), None)


def _same(a: Number | None, b: Number | None) -> bool:
    return a == b or (a is not None and b is not None and a != a and b != b)
