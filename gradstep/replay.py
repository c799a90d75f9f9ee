"""Going back: a second run of a program stops where something went wrong in the first.

It is started like the first, with the same input, and given a plan to follow. What it prints is
compared with the first run's, byte for byte, and told only once.
"""

from __future__ import annotations

import codecs
import contextlib
import math
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gradstep.facts import Exited, Fact, Progress
from gradstep.phases import Phase
from gradstep.program import Program
from gradstep.protocol.findings import Finding
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.nonfinite import Cause, Nonfinite, Plan
from gradstep.protocol.trace import Goal, Level, Losses, Reason, Stop, Timeline

if TYPE_CHECKING:
    from gradstep.debuggee import Debuggee

FARTHER = 8
"""How many times as far back the next attempt begins, when one began too late."""
FAR_REVISION = 1 << 40
"""More than a graph's revision in any first run."""

STREAMS = ("stdout", "stderr")
DIFFERENT = "The second run went differently: {}. Its random numbers or data are not fixed."
FROM_THE_START = "Ask with level=Level.OPERATION to check every operation of the first run."


@dataclass(frozen=True)
class FirstRun:
    """What a second run is compared with. ``strike``: what was noticed, and when."""

    strike: Nonfinite
    typed: tuple[bytes, ...]
    written: dict[str, bytes]
    losses: Losses | None
    stretches: int = 0

    @classmethod
    def of(cls, first: Debuggee, stop: Stop, typed: list[bytes]) -> FirstRun:
        """``first`` stands at ``stop``; it may die meanwhile."""
        assert stop.nonfinite is not None
        written = {name: first.written(name) for name in STREAMS}
        losses, stretches = None, 0
        try:
            losses = first.losses()
            stretches = _count(first.timeline())
        except (RequestFailed, CancelledError):
            pass
        return cls(stop.nonfinite, tuple(typed), written, losses, stretches)


def _count(timeline: Timeline) -> int:
    return timeline.first + len(timeline.phases)


@dataclass
class Echo:
    """One stream of a second run: ``expected`` was told by the first."""

    expected: bytes
    position: int = 0
    differs: bool = False
    _decoder: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))

    def hear(self, chunk: bytes) -> tuple[bytes, str]:
        """What of ``chunk`` is new, as bytes and text. From a difference on, all is."""
        cut = 0
        if not self.differs:
            waiting = self.expected[self.position : self.position + len(chunk)]
            cut = len(waiting)
            self.differs = chunk[:cut] != waiting
            self.position += cut
        new = chunk[cut:] if not self.differs else chunk
        return new, self._decoder.decode(new) if new else ""


class Replay:
    """Runs a program again until it stands at what made the strike of the first run. Blocks: use
    it in a thread of its own. ``found`` is the run that does, for somebody to take over."""

    def __init__(self, make: Callable[..., Debuggee], program: Program, first: FirstRun) -> None:
        self._make, self._program, self._first = make, program, first
        self.found: Debuggee | None = None
        self._running: Debuggee | None = None
        self._killed = False
        self._echoes: dict[str, Echo] = {}
        self._heir: Debuggee | None = None
        self._kept: list[Finding] = []
        self._unsaid: list[tuple[str, bytes, str]] = []
        self._lock = threading.RLock()

    def kill(self) -> None:
        """Give up, from any thread."""
        self._killed = True
        running = self._running
        if running is not None:
            running.kill()

    def pause(self) -> None:
        running = self._running
        if running is not None:
            running.pause()

    def run(self, strike: Stop) -> Stop:
        """The stop to tell: of the second run if it could be found there, else ``strike`` with a
        message that says why not."""
        count, each = self._first.strike.backwards, max(1, self._first.strike.per_iteration)
        back, only = 2 * each, 0
        while not self._killed:
            after = max(0, count - back)
            stop = self._attempt(self._plan(after, only))
            if stop is None:
                break
            found = stop.nonfinite
            began_late = found is not None and not only and _held_before(found) and after > 0
            if began_late:
                back *= FARTHER
            elif found is not None and not only and found.origin and found.origin != found.birth:
                only = found.origin
            else:
                return self._judge(strike, stop, bool(only))
            self._drop()
        self._drop()
        return strike

    def hand_over(self, heir: Debuggee) -> None:
        """From now on ``heir`` hears what the second run says."""
        with self._lock:
            self._heir = heir
            for finding in self._kept:
                self._pass_on(finding)
            for stream, chunk, text in self._unsaid:
                heir.on_output(stream, chunk, text)

    # ------------------------------------------------------------------ one attempt

    def _plan(self, after: int, only: int) -> Plan:
        strike = self._first.strike
        gradient = strike.phase is Phase.BACKWARD
        return Plan(after, only, strike.backwards, gradient, FAR_REVISION, self._first.stretches)

    def _attempt(self, plan: Plan) -> Stop | None:
        """Where a fresh run stands that follows ``plan``; None when it was given up."""
        self._echoes = {name: Echo(self._first.written[name]) for name in STREAMS}
        self._kept, self._unsaid = [], []
        second = self._running = self._make(self._program, self._hear, self._wrote)
        if self._killed:
            return None
        second.start()
        stop = second.wait()
        if stop.reason is Reason.START:
            with contextlib.suppress(OSError):  # it reads no input, or has ended
                for data in self._first.typed:
                    second.write(data.decode())
            with contextlib.suppress(RuntimeError):  # it ended meanwhile: that is its stop
                second.advance(Goal.NAN, Level.RUN if plan.after else Level.OPERATION, plan=plan)
            stop = second.wait()
        return None if self._killed else stop

    def _judge(self, strike: Stop, stop: Stop, sure: bool) -> Stop:
        second = self._running
        assert second is not None
        difference = self._difference(second)
        if stop.reason is Reason.NAN:
            self.found = second
            if difference:
                note = DIFFERENT.format(difference)
                return replace(stop, message=f"{stop.message} {note}")
            return stop
        if stop.reason is Reason.PAUSE and not difference and self._paused(stop):
            self.found = second
            return stop
        self._drop()
        what = difference or "what struck did not come again"
        message = f"{strike.message} {DIFFERENT.format(what)} {FROM_THE_START}"
        return replace(strike, message=message)

    @staticmethod
    def _paused(stop: Stop) -> bool:
        return not stop.message  # else it says that it went past the strike

    def _difference(self, second: Debuggee) -> str:
        """In what the two runs differ so far; empty when they do not."""
        for name, echo in self._echoes.items():
            if echo.differs:
                where = {"stdout": "it printed something else", "stderr": "its messages differ"}
                return where[name]
        try:
            losses = second.losses()
        except RequestFailed:
            return "it ended"
        first = self._first.losses
        if first is None:
            return ""
        for index, (one, other) in enumerate(zip(first.values, losses.values, strict=False)):
            same = one == other or (math.isnan(one) and math.isnan(other))
            if not same:
                return f"loss {index + 1} was {one:.6g} and then {other:.6g}"
        return ""

    def _drop(self) -> None:
        second, self._running = self._running, None
        if second is not None and second is not self.found:
            second.kill()
            second.close()

    # ------------------------------------------------------------------ what it says

    def _wrote(self, stream: str, chunk: bytes, text: str) -> None:
        with self._lock:
            new, text = self._echoes[stream].hear(chunk)
            if not new:
                return
            if self._heir is not None:
                self._heir.on_output(stream, new, text)
            else:
                self._unsaid.append((stream, new, text))

    def _hear(self, fact: Fact) -> None:
        with self._lock:
            if self._heir is not None:
                self._pass_on(fact)
            elif isinstance(fact, Finding):
                self._kept.append(fact)

    def _pass_on(self, fact: Fact) -> None:
        heir = self._heir
        assert heir is not None
        if isinstance(fact, Stop):
            heir.on_stopped(fact)
        elif isinstance(fact, Finding):
            if fact not in heir.findings:
                heir.on_found(fact)
        elif isinstance(fact, Progress):
            heir.on_progress(fact.iteration)
        elif isinstance(fact, Exited):
            heir.bury("", fact.code, fact.signal)


def _held_before(found: Nonfinite) -> bool:
    """Whether it was there before operations were checked."""
    return found.cause is Cause.PARAMETER or (found.cause is Cause.UNKNOWN and not found.chain)
