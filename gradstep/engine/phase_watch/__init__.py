"""The phase watch: small state machines over the phases, which speak up once when a training loop
makes one of the mistakes that everybody makes.

It judges by evidence that can be had at every level (backward's entry, ``optimizer.step``, the
values of a few gradients around them), so that what it cannot see, such as an update written by
hand, is no reason for an alarm. Where calls are seen it also says which line is to blame. It reads,
and keeps nothing of the program alive. A rule that has made up its mind is no longer asked.
"""

from __future__ import annotations

from gradstep.engine.phase_watch.watch import PhaseWatch

__all__ = ["PhaseWatch"]
