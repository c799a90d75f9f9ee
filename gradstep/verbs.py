"""Going on, in words: each verb waits for the next stop and returns it."""

from __future__ import annotations

import os

from gradstep.protocol.trace import Goal, Level, Place, Stop


class Verbs:
    """``timeout`` limits the waiting, in seconds; ``level`` is how much to capture on the way. All
    rest on ``advance`` and ``wait``."""

    def advance(
        self, goal: Goal, level: Level | None = None, *, target: Place | None = None
    ) -> None:
        """Go on towards ``goal``; the next ``Stop`` follows."""
        raise NotImplementedError

    def wait(self, timeout: float | None = None) -> Stop:
        """The stop at which the program stands, once it does. Raises ``TimeoutError``."""
        raise NotImplementedError

    def step(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Execute one operation: a forward call, a node of backward, a part of an update."""
        return self._go(Goal.STEP, level, timeout)

    def into(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the next line of the user's code or the next operation, whichever comes first:
        in modules and functions, and in what a node of backward runs in Python."""
        return self._go(Goal.INTO, level, timeout)

    def over(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the next line or operation that lies no deeper than this one: a line of this
        function or one around it, an operation that these call themselves. At a node of backward:
        to the next node whose forward call lay no deeper."""
        return self._go(Goal.OVER, level, timeout)

    def out(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the module or function around this place has returned (from a library's
        code: until the user's goes on). At a node of backward: until the nodes of that call have
        run, and at the top until backward returns."""
        return self._go(Goal.OUT, level, timeout)

    def forward(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the next forward is complete (a script: until it calls backward)."""
        return self._go(Goal.FORWARD, level, timeout)

    def backward(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the next backward is complete."""
        return self._go(Goal.BACKWARD, level, timeout)

    def update(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the parameters have been updated."""
        return self._go(Goal.UPDATE, level, timeout)

    def zero_grad(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on until the gradients have been cleared."""
        return self._go(Goal.ZERO_GRAD, level, timeout)

    def iteration(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the end of this iteration."""
        return self._go(Goal.ITERATION, level, timeout)

    def epoch(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the beginning of the next epoch, or to the end of the program. A script's epochs
        are the rounds of the loop around the training loop; if there is none, the message of the
        ``Stop`` says so."""
        return self._go(Goal.EPOCH, level, timeout)

    def run_to(
        self,
        file: str | os.PathLike[str],
        line: int,
        *,
        level: Level | None = None,
        timeout: float | None = None,
    ) -> Stop:
        """Go on until ``line`` (from 1) of ``file`` is the next to run, or the program ends. A line
        without code stands for the next one that has some; if there is none the program stays
        where it is, and the message of the ``Stop`` says why."""
        target = Place(os.path.abspath(os.fspath(file)), line)
        return self._go(Goal.LINE, level, timeout, target)

    def run_to_nan(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the first operation that makes a NaN or Inf which matters, or to the end.

        The program runs at full speed; losses, and the gradients that an optimizer uses, are
        checked. When one is not finite, the same program is started a second time, with the same
        arguments and input, and run to shortly before that; from there every operation is checked,
        and the stop is right after the one that made it: see ``Stop.nonfinite``. Whatever the
        program does besides, to files for instance, it does a second time. What it prints is not
        told twice; where the second run goes differently (its random numbers or data are not
        fixed), ``Stop.message`` says so.

        Again from such a stop: on to the next such operation, in the same run. With
        ``level=Level.OPERATION`` every operation is checked from here on, and nothing is run
        twice."""
        return self._go(Goal.NAN, level, timeout)

    def run(self, *, level: Level | None = None, timeout: float | None = None) -> Stop:
        """Go on to the end of the program."""
        return self._go(Goal.RUN, level, timeout)

    def _go(
        self,
        goal: Goal,
        level: Level | None,
        timeout: float | None,
        target: Place | None = None,
    ) -> Stop:
        self.advance(goal, level, target=target)
        return self.wait(timeout)
