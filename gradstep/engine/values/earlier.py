"""What chosen values were at earlier stops: copies, made when the window asks before going on."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradstep.engine.capture.store import Store
from gradstep.engine.values.reading import Unreadable
from gradstep.protocol.examination import Earlier, Since

FIELDS = ("data", "grad")
MAX_VALUES = 64
NOTHING_KEPT = (
    "Nothing earlier was kept: values are compared from the stop on at which they are shown."
)


@dataclass
class _Moment:
    """One value at one stop. ``problems``: by field, why there is no copy of it."""

    stop: int
    iteration: int
    problems: dict[str, str] = field(default_factory=dict)


class EarlierValues:
    """Per value the present stop, the last one before it and the last of an earlier iteration, as
    far as somebody asked for them and the budget of ``Store`` allows. Called while the program
    stands, unobserved."""

    def __init__(self) -> None:
        self._store = Store()
        self._moments: OrderedDict[str, list[_Moment]] = OrderedDict()

    def keep(
        self, name: str, stop: int, iteration: int, values: dict[str, Tensor | None], *, anew: bool
    ) -> None:
        """Copy what the value called ``name`` is now. ``anew``: it was edited at this stop."""
        moments = self._moments.setdefault(name, [])
        self._moments.move_to_end(name)
        if moments and moments[-1].stop == stop:
            if not anew:
                return
            self._forget(name, moments.pop())
        moment = _Moment(stop, iteration)
        moments.append(moment)
        self._tidy(name, moments)
        for which in FIELDS:
            tensor = values.get(which)
            if tensor is None:
                moment.problems[which] = (
                    "It was None then." if which == "grad" else "It was not kept then."
                )
            elif self._store.keep(_key(name, stop, which), tensor) is None:
                moment.problems[which] = "It was too large to be kept."
        while len(self._moments) > MAX_VALUES:
            old, gone = self._moments.popitem(last=False)
            for one in gone:
                self._forget(old, one)

    def knows(self, name: str) -> bool:
        """Whether anything of the value called ``name`` has been kept."""
        return name in self._moments

    def about(self, name: str, which: str, since: Since, stop: int, iteration: int) -> Earlier:
        """With what the value as it is now can be compared."""
        moment = self._before(name, since, stop, iteration)
        if moment is None:
            return Earlier(which, since, problem=NOTHING_KEPT)
        problem = moment.problems.get(which, "")
        return Earlier(which, since, stop - moment.stop, moment.iteration, problem)

    def change(
        self, name: str, which: str, since: Since, stop: int, iteration: int, now: Tensor
    ) -> Tensor:
        """``now`` − then, as PyTorch subtracts them (integers as int64). Raises ``Unreadable``."""
        moment = self._before(name, since, stop, iteration)
        if moment is None:
            raise Unreadable(NOTHING_KEPT)
        then = self._store.get(_key(name, moment.stop, which))
        if then is None:
            raise Unreadable(moment.problems.get(which, NOTHING_KEPT))
        if then.shape != now.shape or then.device != now.device:
            raise Unreadable("It had another shape or device then.")
        now = now.detach()
        if not (now.is_floating_point() or now.is_complex()):
            return now.to(torch.int64) - then.to(torch.int64)
        return now - then

    def _before(self, name: str, since: Since, stop: int, iteration: int) -> _Moment | None:
        for moment in reversed(self._moments.get(name, ())):
            earlier = (
                moment.iteration < iteration if since is Since.ITERATION else moment.stop < stop
            )
            if earlier:
                return moment
        return None

    def _tidy(self, name: str, moments: list[_Moment]) -> None:
        now = moments[-1]
        wanted = [now]
        for older in (
            [m for m in moments if m.stop < now.stop][-1:],
            [m for m in moments if m.iteration < now.iteration][-1:],
        ):
            wanted += [m for m in older if m not in wanted]
        for moment in [m for m in moments if m not in wanted]:
            moments.remove(moment)
            self._forget(name, moment)

    def _forget(self, name: str, moment: _Moment) -> None:
        for which in FIELDS:
            self._store.forget(_key(name, moment.stop, which))


def _key(name: str, stop: int, which: str) -> str:
    return f"{name}|{stop}|{which}"
