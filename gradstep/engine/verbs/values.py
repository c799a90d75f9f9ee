"""What the window may ask about one value, and the one thing that it may change."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import torch
from torch import Tensor

from gradstep.engine.capture.records import NodeRecord
from gradstep.engine.giving_way import between_pieces
from gradstep.engine.running.driver import Driver
from gradstep.engine.torch_internals import is_leaf, unobserved
from gradstep.engine.values.axes import axes_of
from gradstep.engine.values.earlier import FIELDS, EarlierValues
from gradstep.engine.values.edits import Refused, parse, write
from gradstep.engine.values.expressions import reading_only
from gradstep.engine.values.measures import histogram, statistics
from gradstep.engine.values.optimizer_state import OptimizerStates, in_words, kept_info
from gradstep.engine.values.reading import Unreadable
from gradstep.engine.values.saved_tensors import find_saved, saved_of
from gradstep.engine.values.tracks import QUICK, Tracks
from gradstep.engine.values.watches import Watches, sentence
from gradstep.engine.verbs.asking import Asking
from gradstep.protocol.examination import (
    BESIDE,
    EVALUATED,
    Axes,
    Earlier,
    Edited,
    Histogram,
    OptimizerState,
    SavedTensor,
    Since,
    Track,
    Watched,
)
from gradstep.protocol.messages import Problem, RequestFailed
from gradstep.protocol.values import Statistics, ValueInfo, ValueKind

Found = tuple[ValueInfo, Tensor | None, Tensor | None]

ONLY_EXPERIMENTS = (
    "Only an experiment's numbers can be changed: a script is its own cause, and gradstep lets it"
    " run as it is written."
)
IN_BACKWARD = (
    "Backward is under way and has used this number already. Change it when backward has returned."
)
WAITS = (
    "A backward still waits for the loss of before. If it needs {0}, PyTorch will refuse it: go"
    " forward again first."
)
SCHEDULED = "A scheduler of the program may set it again."


class ValueCommands(Asking):
    """Inherited by the commands. Everything reads only, while the program stands; ``edit`` alone
    writes."""

    _driver: Driver | None
    _tracks: Tracks

    def __init__(self) -> None:
        self._earlier = EarlierValues()
        driver = self._driver
        self._optimizers = OptimizerStates(
            self._debugger.subjects,
            lambda: driver.experiment if driver is not None else None,
            lambda: self._scope.globals,
        )
        self._watches = Watches(
            lambda name: self._scope.lookup(name, self._debugger.frame), self._called
        )

    def _find(self, ref: str, field: str) -> tuple[ValueInfo, Tensor]:
        raise NotImplementedError

    def _value(self, ref: str) -> Found | None:
        raise NotImplementedError

    # ------------------------------------------------------------------ what it is

    def do_statistics(self, ref: str, field: str = "data") -> Statistics:
        self._standing()
        with unobserved():
            _, tensor = self._find(ref, field)
            try:
                return statistics(tensor)
            except (Unreadable, RuntimeError, NotImplementedError) as error:
                raise _unavailable(error, ref) from None

    def do_histogram(self, ref: str, field: str = "data", bins: int = 64) -> Histogram:
        self._standing()
        if not 1 <= bins <= 4096:
            raise RequestFailed(Problem("invalid", f"{bins} bins: 1 to 4096 can be asked for"))
        with unobserved():
            _, tensor = self._find(ref, field)
            try:
                return histogram(tensor, bins)
            except (Unreadable, RuntimeError, NotImplementedError) as error:
                raise _unavailable(error, ref) from None

    def do_axes(self, ref: str) -> Axes:
        self._standing()
        with unobserved():
            _, tensor = self._find(ref, "data")
            if tensor.is_nested:
                return Axes(())
            record = self._record(ref, tensor)
            made = record is not None and record.kind is ValueKind.RESULT
            operation = record.name if record is not None and made else ""
            return axes_of(tensor, operation, self._debugger.callers.owner(tensor))

    # ------------------------------------------------------------------ what stands beside it

    def do_optimizer(self, ref: str) -> OptimizerState | None:
        """None when no optimizer updates it."""
        self._standing()
        with unobserved():
            _, tensor = self._find(ref, "data")
            return self._optimizers.about(ref, tensor, self._debugger.frame)

    def do_saved(self, ref: str) -> tuple[SavedTensor, ...]:
        """What the nodes of backward keep that the operation of a result has made."""
        self._standing()
        with unobserved():
            found = self._place(ref)
            if found is None:
                return ()
            record, output = found
            return tuple(saved_of(self._debugger.recorder, ref, record, output))

    def _beside(self, ref: str) -> Found | None:
        """``REF @ WHAT``, or the tensor that ``= EXPRESSION`` gives."""
        if ref.startswith(EVALUATED):
            return self._evaluated(ref)
        owner, _, what = ref.rpartition(BESIDE)
        if what.startswith("saved "):
            found = self._place(owner)
            if found is None:
                return None
            name = what.removeprefix("saved ")
            tensor = find_saved(self._debugger.recorder, *found, name)
            return None if tensor is None else (kept_info(ref, name, tensor), tensor, None)
        _, parameter = self._find(owner, "data")
        try:
            kept = self._optimizers.find(parameter, what, self._debugger.frame)
        except KeyError:
            return None
        if not isinstance(kept, Tensor):
            raise RequestFailed(Problem("unavailable", f"{what} is {in_words(kept)}", ref))
        return kept_info(ref, what, kept), kept, None

    def _evaluated(self, ref: str) -> Found:
        text = ref.removeprefix(EVALUATED)
        try:
            with reading_only():
                value = self._watches.evaluate(text, self._given())
        except BaseException as error:  # the person's expression may raise anything, and exit
            raise RequestFailed(Problem("unavailable", sentence(error), ref)) from None
        if not isinstance(value, Tensor):
            raise RequestFailed(Problem("unavailable", "It is no tensor.", ref))
        grad = value.grad if is_leaf(value) else None
        return self._described(ref, value), value, grad

    # ------------------------------------------------------------------ what it was

    def do_keep(self, refs: tuple[str, ...]) -> None:
        """Remember what these are now, to compare with later. What is not there is passed over."""
        self._standing()
        with unobserved():
            for ref in refs:
                with contextlib.suppress(RequestFailed):
                    self._keep(ref, anew=False)

    def do_earlier(self, ref: str) -> tuple[Earlier, ...]:
        """What data and grad can be compared with."""
        self._standing()
        now = (self._debugger.stops, self._debugger.tracker.iteration)
        name = self._lasting_name(ref)
        return tuple(self._earlier.about(name, f, since, *now) for f in FIELDS for since in Since)

    def _keep(self, ref: str, *, anew: bool) -> None:
        found = self._value(ref)
        if found is None:
            return
        _, data, grad = found
        now = (self._debugger.stops, self._debugger.tracker.iteration)
        values = {"data": data, "grad": grad}
        self._earlier.keep(self._lasting_name(ref), *now, values, anew=anew)

    def _change(self, ref: str, field: str, since: str, tensor: Tensor) -> Tensor:
        """The difference of ``tensor`` from what it was. Raises ``RequestFailed``."""
        if since not in set(Since):
            raise RequestFailed(Problem("invalid", f"since {since!r}: stop or iteration"))
        now = (self._debugger.stops, self._debugger.tracker.iteration)
        try:
            name = self._lasting_name(ref)
            return self._earlier.change(name, field, Since(since), *now, tensor)
        except (Unreadable, RuntimeError) as error:
            raise _unavailable(error, ref) from None

    def _lasting_name(self, ref: str) -> str:
        """The same for the same value at every stop: on the graph of another iteration a value has
        another number, and is known by its operation, its line and which of those it is."""
        if not ref.startswith("#"):
            return ref.removeprefix(EVALUATED)  # ``= w`` is w
        found = self._debugger.recorder.find(ref.partition(BESIDE)[0])
        if found is None:
            return ref
        record, output = found
        if record.leaf is not None and record.name:
            return record.name
        nodes = self._debugger.recorder.nodes.values()
        alike = [n for n in nodes if n.name == record.name and n.place == record.place]
        rest = ref.partition(BESIDE)[2]
        return f"#{record.name} {record.place} {alike.index(record)}:{output}{BESIDE}{rest}"

    # ------------------------------------------------------------------ watching

    def do_watch(self, expressions: tuple[str, ...], again: bool = False) -> tuple[Watched, ...]:
        """Each expression (or name of a value), evaluated now. ``again``: also one that took too
        long before."""
        self._standing()
        for text in expressions if again else ():
            self._watches.forgive(text)
        given, stop = self._given(), self._debugger.stops
        watched = []
        for text in expressions:
            between_pieces()
            watched.append(self._watches.watch(text, stop, given, self._described))
        return tuple(watched)

    def do_track(self, expressions: tuple[str, ...]) -> None:
        """Measure these (names of values, or expressions) in every iteration from now on, and no
        others; as few iterations are left out as keep it to a tenth of the running time."""
        self._standing()
        given, slow = self._given(), {}
        for text in expressions:
            # Tried where it holds up nothing: in the program's way it could not be got rid of.
            began = time.perf_counter()
            problem = self._watches.watch(
                text, self._debugger.stops, given, self._described
            ).problem
            if time.perf_counter() - began > QUICK or self._watches.is_slow(text):
                slow[text] = problem or f"Not followed: it takes longer than {QUICK:g} s."
        self._tracks.follow(expressions, slow)

    def do_track_history(self, expression: str, revision: int = 0, count: int = 0) -> Track:
        """What has been measured; ``revision`` and ``count`` say what is known of it already. Also
        while the program runs."""
        return self._tracks.read(expression, revision, count)

    def _given(self) -> dict[str, Any]:
        tracker = self._debugger.tracker
        return {"iteration": tracker.iteration, "phase": tracker.phase}

    def _described(self, ref: str, tensor: Tensor) -> ValueInfo:
        with unobserved():
            name = ref.removeprefix(EVALUATED)
            return self._scope.info(name, tensor, ref=ref)

    def _called(self, name: str) -> Tensor | None:
        """The value of that name; a result that no variable holds any more as it was recorded."""
        found = self._scope.find(name, self._debugger.frame)
        if found is not None or not name.isidentifier():
            return found
        try:
            self._scope.lookup(name, self._debugger.frame)
        except KeyError:
            return self._recorded(name)
        return None

    def _recorded(self, name: str) -> Tensor | None:
        recorder = self._debugger.recorder
        for record in reversed(list(recorder.nodes.values())):
            if record.result_name == name:
                kept = recorder.store.get(f"#{record.id}:0")
                return kept if kept is not None else recorder.live_tensor(record, 0)
        return None

    # ------------------------------------------------------------------ changing

    def do_edit(
        self, ref: str, value: str, field: str = "data", index: tuple[int, ...] = ()
    ) -> Edited:
        """Set one element, or an option of the optimizer (``w @ lr``), of an experiment."""
        self._standing()
        try:
            with unobserved():
                self._may_edit()
                owner, _, option = ref.rpartition(BESIDE)
                if owner:
                    old, new = self._edit_option(owner, option, index, value)
                    note = SCHEDULED if option == "lr" else ""
                else:
                    old, new = self._edit_element(ref, field, index, value)
                    if self._earlier.knows(self._lasting_name(ref)):
                        self._keep(ref, anew=True)
                    note = self._consequence(ref) if field == "data" else ""
        except Refused as refused:
            raise RequestFailed(Problem("unavailable", str(refused), ref)) from None
        return Edited(ref, field, index, old, new, note)

    def _may_edit(self) -> None:
        if self._driver is None:
            raise Refused(ONLY_EXPERIMENTS)
        if self._debugger.in_backward:
            raise Refused(IN_BACKWARD)

    def _edit_element(
        self, ref: str, field: str, index: tuple[int, ...], value: str
    ) -> tuple[str, str]:
        self._find(ref, field)  # says why there is none
        tensor = self._alive(ref)
        if field == "grad":
            tensor = tensor.grad if tensor is not None else None
        if tensor is None:
            raise Refused(
                "It was computed. Change what it is computed from, then go forward again."
            )
        texts = write(tensor, index, value)
        # What the graph shows of its leaves, and what later stops compare with.
        list(self._debugger.leaves.refresh())
        record = self._record(ref, tensor)
        if field == "data" and record is not None and record.kind is ValueKind.DATA:
            self._debugger.recorder.store.keep(f"#{record.id}:0", tensor)
        return texts

    def _edit_option(
        self, owner: str, option: str, index: tuple[int, ...], value: str
    ) -> tuple[str, str]:
        _, parameter = self._find(owner, "data")
        frame = self._debugger.frame
        try:
            old = self._optimizers.find(parameter, option, frame)
        except KeyError:
            raise Refused(f"There is no {option} here.") from None
        kept = self._optimizers.owner(parameter, frame)
        if isinstance(old, Tensor) and kept is not None and option not in kept.options:
            return write(old, index, value)
        if isinstance(old, Tensor) and old.numel() == 1:
            return write(old, (0,) * old.dim(), value)
        if isinstance(old, bool) or not isinstance(old, (int, float)):
            raise Refused(f"{option} is not one number; it can only be looked at.")
        new = parse(value, torch.float64)
        self._optimizers.set_option(parameter, option, new, frame)
        return repr(old), repr(new)

    def _consequence(self, ref: str) -> str:
        recorder = self._debugger.recorder
        if not recorder.waiting():
            return ""
        found = recorder.find(ref) if ref.startswith("#") else None
        return WAITS.format(found[0].name or "it" if found else ref)

    # ------------------------------------------------------------------ inside

    def _alive(self, ref: str) -> Tensor | None:
        """The program's own tensor, if it is a leaf."""
        if not ref.startswith("#"):
            return self._scope.find(ref, self._debugger.frame)
        found = self._debugger.recorder.find(ref)
        leaf = found[0].leaf if found is not None else None
        return leaf() if leaf is not None else None

    def _record(self, ref: str, tensor: Tensor) -> NodeRecord | None:
        """Where the value stands on the graph."""
        recorder = self._debugger.recorder
        found = recorder.find(ref) if ref.startswith("#") else None
        return found[0] if found is not None else recorder.source_of(tensor)


def _unavailable(error: Exception, ref: str) -> RequestFailed:
    return RequestFailed(Problem("unavailable", str(error).split("\n", 1)[0], ref))
