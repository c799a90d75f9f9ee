"""Is a schedule that counts in epochs stepped after every batch?

Many schedules are meant for every batch (OneCycleLR, warm-up, cosine over all steps), and a
program that takes its whole data at once rightly steps any of them at every update. So it is told
only if all of this holds:

- the schedule is one of StepLR, MultiStepLR, ExponentialLR and ReduceLROnPlateau;
- each of its steps followed exactly one update;
- it is stepped in a loop inside a loop, both of which began after it was made;
- the outer loop's variable is still what it was at the first step: it is the first epoch;
- meanwhile the learning rate has fallen ``FALL`` times, or (MultiStepLR) the last of several
  milestones has passed: in the epochs to come nothing will be learnt.
"""

from __future__ import annotations

import ast
import functools
import sys
import weakref
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from torch.optim import lr_scheduler

from gradstep.engine.phase_watch.rule import Rule
from gradstep.engine.phase_watch.source import loops_around
from gradstep.engine.phase_watch.table import SCHEDULER

FALL = 1000.0
STEPS = 3
MOST = 100_000
"""Steps after which a schedule is taken for what it is."""
_EPOCHS = frozenset({
    lr_scheduler.StepLR, lr_scheduler.MultiStepLR, lr_scheduler.ExponentialLR,
    lr_scheduler.ReduceLROnPlateau,
})  # fmt: skip


@dataclass(slots=True)
class Followed:
    made: dict[int, tuple[CodeType, int]]
    """The user's frames that made it: by ``id``, their code and line then."""
    steps: int = 0
    updates: int = 0
    rate: float = 0.0
    epoch: tuple[str, Any] | None = None
    dropped: bool = False


class SchedulerPerBatch(Rule):
    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._followed: weakref.WeakKeyDictionary[Any, Followed] = weakref.WeakKeyDictionary()

    @property
    def busy(self) -> bool:
        """Some schedule is still followed, by the updates between its steps."""
        return self.open and not all(seen.dropped for seen in self._followed.values())

    def install(self) -> None:
        self._wrap(lr_scheduler.LRScheduler, "step")
        self._wrap(lr_scheduler.ReduceLROnPlateau, "step")
        # Others are stepped once while they are made; this one is not.
        self._wrap(lr_scheduler.ReduceLROnPlateau, "__init__")

    def _wrap(self, owner: Any, method: str) -> None:
        original = getattr(owner, method)

        @functools.wraps(original)
        def step(this: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(this, *args, **kwargs)
            if self.open and type(this) in _EPOCHS:
                self.watch.guarded(self._stepped, this, sys._getframe(1))
            return result

        setattr(owner, method, step)

    def _stepped(self, scheduler: Any, frame: FrameType | None) -> None:
        seen = self._followed.get(scheduler)
        if seen is None:  # it is being made
            made = _lines(self._user_frames(frame))
            self.watch.wake()
            self._followed[scheduler] = Followed(made, 0, self.watch.steps, _rate(scheduler))
            return
        if seen.dropped:
            return
        one = self.watch.steps == seen.updates + 1
        seen.updates = self.watch.steps
        seen.steps += 1
        outer = _outer_loop(self._user_frames(frame), seen.made) if one else None
        if seen.steps == 1 and outer is not None:
            seen.epoch = outer
        if outer is None or outer != seen.epoch or seen.steps > MOST:
            seen.dropped = True
        elif seen.steps >= STEPS and self._is_spent(scheduler, seen):
            self._found(scheduler, seen, frame)

    def _is_spent(self, scheduler: Any, seen: Followed) -> bool:
        if type(scheduler) is lr_scheduler.MultiStepLR:
            last = max(scheduler.milestones, default=0)
            return len(scheduler.milestones) > 1 and scheduler.last_epoch >= last
        return seen.rate >= FALL * _rate(scheduler)

    def _found(self, scheduler: Any, seen: Followed, frame: FrameType | None) -> None:
        assert seen.epoch is not None
        name, value = seen.epoch
        text = (
            f"{type(scheduler).__name__} was stepped {seen.steps} times, after every update, while "
            f"{name} is still {value!r}: the learning rate fell from {seen.rate:g} to "
            f"{_rate(scheduler):g}."
        )
        self.tell(SCHEDULER, text, self.watch.place(frame))

    def _user_frames(self, frame: FrameType | None) -> list[FrameType]:
        frames = []
        while frame is not None:
            if self.sites.is_user(frame.f_code):
                frames.append(frame)
            frame = frame.f_back
        return frames


def _lines(frames: list[FrameType]) -> dict[int, tuple[CodeType, int]]:
    return {id(frame): (frame.f_code, frame.f_lineno) for frame in frames}


def _outer_loop(
    frames: list[FrameType], made: dict[int, tuple[CodeType, int]]
) -> tuple[str, Any] | None:
    """Variable and value of the second loop around the call, counted from the inside, of those
    that began after the schedule was made. None if there is none, or its variable is no number."""
    around = []
    for frame in frames:
        loops = loops_around(frame.f_code, frame.f_lineno)
        code, line = made.get(id(frame), (None, 0))
        if code is frame.f_code:
            before = loops_around(frame.f_code, line)
            loops = [loop for loop in loops if not _among(loop, before)]
        around += [(frame, loop) for loop in reversed(loops)]
        if len(around) > 1:
            break
    if len(around) < 2:
        return None
    frame, loop = around[1]
    if isinstance(loop, ast.While) or not isinstance(loop.target, ast.Name):
        return None
    value = frame.f_locals.get(loop.target.id)
    return (loop.target.id, value) if type(value) is int else None


def _among(loop: Any, others: list[Any]) -> bool:
    return any(loop.lineno == other.lineno for other in others)


def _rate(scheduler: Any) -> float:
    return max(float(group["lr"]) for group in scheduler.optimizer.param_groups)
