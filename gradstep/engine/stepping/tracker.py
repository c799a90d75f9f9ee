"""Which phase of which iteration the program is in. Pure bookkeeping: no torch."""

from __future__ import annotations

from gradstep.phases import Phase, following

_BACKWARD, _ZERO_GRAD = Phase.BACKWARD, Phase.ZERO_GRAD  # look-ups are dear on Python 3.11


class Tracker:
    """Fed with the phase of each operation before it is executed.

    An iteration ends with its update: it is over when the next forward (or backward, where forward
    is not seen) begins, or the next zero-grad if this program zeroes first."""

    def __init__(self, *, driven: bool = False) -> None:
        self._driven = driven  # an experiment: phases come in any order, forward begins anew
        self.iteration = 0
        self.phase: Phase | None = None
        self.done = 0
        """Operations of the current phase executed so far."""
        self.updated = False
        self.trained = False
        """Whether backward was ever called."""
        self._zero_first = self._zeroed_first = False  # of this iteration, of the one before
        self._backwards = 0
        self._usual_backwards = 1
        self._unfinished = self._finished = False
        self._optimizer_seen = False
        self._moved_after: int | None = None
        self._hand_alone = False
        self._after: dict[Phase, Phase] = {}
        self.steady = False
        """At run level: the next backward, if nothing comes between, is a new iteration, just as
        this one was; of what is known here only the iteration's number will be another."""

    def begins_iteration(self, phase: Phase, *, blind: bool = False) -> bool:
        """Whether an operation of ``phase`` would begin a new iteration.

        ``blind``: at run level, where updates by hand are not seen; then backwards are counted."""
        if self.iteration == 0:
            return True
        if self._driven:
            return self.updated and phase is Phase.FORWARD
        if phase is Phase.BACKWARD and blind and not self._optimizer_seen:
            return self._backwards >= self._usual_backwards
        if not self.updated:
            return False
        if phase is Phase.ZERO_GRAD:
            return self._zero_first
        return phase is not Phase.UPDATE

    def changes_phase(self, phase: Phase) -> bool:
        return phase is not self.phase

    def enter(self, phase: Phase, *, blind: bool = False) -> None:
        """An operation of ``phase`` is about to be executed."""
        self.steady = False
        if self.begins_iteration(phase, blind=blind):
            self._begin(phase)
        if phase is self.phase:
            return
        if phase is Phase.ZERO_GRAD and self._zeroed_first and not self._backwards:
            self._zero_first = True  # a forward for a plot came before what usually comes first
        if phase is Phase.BACKWARD:
            self._backwards += 1
            self.trained = True
        if self.phase is not None:
            self._after[self.phase] = phase
        self.phase, self.done = phase, 0

    def enter_backward_unseen(self, differentiable: object = False) -> None:
        """At run level, on every backward: the same as ``enter``, made cheap. Not to be called for
        one that ``steady`` foretold: there the iteration's number is counted on.

        ``differentiable``: ``create_graph``; its gradients are for another backward, which belongs
        to the same iteration, and only then for an update."""
        if self._optimizer_seen:
            over = self.updated
        else:
            over = self._backwards >= self._usual_backwards
            if differentiable or self._unfinished:
                over = self._begins_anew(bool(differentiable)) and over
        if over and not self._driven:
            self._begin(_BACKWARD)
        elif self.iteration == 0:
            self.iteration = 1
        self._backwards += 1
        self.trained = True
        self.phase, self.done = _BACKWARD, 0
        alone = over and self._backwards == self._usual_backwards == 1
        self.steady = alone and not (self._driven or self._optimizer_seen or self._unfinished)

    def _begins_anew(self, differentiable: bool) -> bool:
        """Whether a backward may begin an iteration: not one that goes on where another left off.
        Gradients of gradients follow one another where nothing else is ever done."""
        anew = not self._unfinished or (differentiable and not self._finished)
        self._unfinished = differentiable
        self._finished = self._finished or not differentiable
        return anew

    @property
    def backwards_per_iteration(self) -> int:
        """How often the program calls backward in one iteration, as far as it can be told."""
        return max(1, self._usual_backwards, self._backwards if self._optimizer_seen else 1)

    def again(self) -> None:
        """The current phase is run once more: a stretch of its own."""
        self.steady = False
        self.phase, self.done = None, 0

    def hand_completes(self) -> bool:
        """The program has an optimizer, and moves a parameter by hand: whether that ends the
        iteration. Not where the optimizer's step follows (weights moved uphill, for another
        backward there); but where another such move comes first."""
        if self._moved_after is None:
            self._moved_after = self._backwards
        self._hand_alone = self._hand_alone or self._backwards > self._moved_after
        return self._hand_alone

    def commit_update(self, *, optimizer: bool, blind: bool = False) -> None:
        """Parameters have changed by their gradients."""
        self.steady = False
        if optimizer:
            self._moved_after, self._hand_alone = None, False
        if optimizer and not self._optimizer_seen:
            self._optimizer_seen = True
            if blind:
                self.iteration = 1  # the backwards counted so far were parts of one
        self.updated = True

    def expected(self) -> Phase:
        """The phase that follows the current one, as it did last time, or as it usually does: what
        gradstep itself does next in an experiment, in whatever order it was stepped before."""
        if self.phase is None:
            return Phase.FORWARD
        if self._driven:
            return following(self.phase)
        return self._after.get(self.phase) or following(self.phase)

    def settle(self) -> None:
        """The program ended: an iteration that never reached backward was none."""
        if self.iteration > 1 and self._backwards == 0:
            self.iteration -= 1

    def _begin(self, phase: Phase) -> None:
        if self.iteration and self._backwards:
            self._usual_backwards = self._backwards
        self.iteration += 1
        self.updated = False
        self._backwards = 0
        self._zeroed_first = self._zero_first
        if phase is not _BACKWARD:  # then what came before it was not seen
            self._zero_first = phase is _ZERO_GRAD
        if self.phase is phase:
            self.phase = None
