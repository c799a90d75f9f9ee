"""What an optimizer keeps for a parameter: found by its owner, read and never held."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from gradstep.engine.capture.subjects import Subjects
from gradstep.engine.values.reading import describe, preview
from gradstep.experiment import Experiment
from gradstep.protocol.examination import BESIDE, Beside, OptimizerState
from gradstep.protocol.values import ValueInfo, ValueKind

NO_STATE = "It keeps nothing for this parameter yet: its first step makes what it needs."
STATELESS = "It keeps nothing for this parameter."
BY_HAND = "Plain gradient descent: nothing is kept between updates."


@dataclass
class Owner:
    """The optimizer that updates a parameter, and the group in which it does."""

    optimizer: Optimizer
    name: str
    group: int

    @property
    def options(self) -> dict[str, Any]:
        return self.optimizer.param_groups[self.group]

    def state(self, parameter: Tensor) -> dict[Any, Any]:
        found = self.optimizer.state.get(parameter)
        return found if isinstance(found, dict) else {}


class OptimizerStates:
    """``experiment`` gives that of an experiment's program, None for a script; ``names`` the
    program's global ones."""

    def __init__(
        self,
        subjects: Subjects,
        experiment: Callable[[], Any],
        names: Callable[[], dict[str, Any]],
    ) -> None:
        self._subjects, self._experiment, self._names = subjects, experiment, names

    def owner(self, parameter: Tensor, frame: FrameType | None) -> Owner | None:
        """Of several the one that has begun to keep something for ``parameter``."""
        found = list(self._owners(parameter, frame))
        return next((o for o in found if o.state(parameter)), found[0] if found else None)

    def about(self, ref: str, parameter: Tensor, frame: FrameType | None) -> OptimizerState | None:
        """None when no optimizer updates ``parameter``. Call it unobserved."""
        owner = self.owner(parameter, frame)
        if owner is None:
            rate = self.rate_by_hand(parameter)
            if rate is None:
                return None
            return OptimizerState("", options=(Beside("lr", number=rate),), note=BY_HAND)
        state = owner.state(parameter)
        options = {k: v for k, v in owner.options.items() if k != "params"}
        stepped = bool(owner.optimizer.state)
        return OptimizerState(
            optimizer=type(owner.optimizer).__name__,
            name=owner.name,
            group=owner.group,
            groups=len(owner.optimizer.param_groups),
            state=tuple(beside(ref, str(key), value) for key, value in state.items()),
            options=tuple(beside(ref, str(key), value) for key, value in options.items()),
            note="" if state else (STATELESS if stepped else NO_STATE),
        )

    def find(self, parameter: Tensor, key: str, frame: FrameType | None) -> Any:
        """What is kept for ``parameter``, or set for its group, under ``key``. Raises
        ``KeyError``."""
        owner = self.owner(parameter, frame)
        if owner is None:
            rate = self.rate_by_hand(parameter)
            if rate is None or key != "lr":
                raise KeyError(key)
            return rate
        for name, value in (*owner.state(parameter).items(), *owner.options.items()):
            if str(name) == key and key != "params":
                return value
        raise KeyError(key)

    def set_option(
        self, parameter: Tensor, key: str, value: float, frame: FrameType | None
    ) -> None:
        """Change a number of the parameter's group, or of an experiment's plain gradient
        descent. Raises ``KeyError``."""
        owner = self.owner(parameter, frame)
        if owner is None:
            if key != "lr" or self.rate_by_hand(parameter) is None:
                raise KeyError(key)
            self._experiment().learning_rate = value
        elif isinstance(owner.options[key], Tensor):
            owner.options[key].data.fill_(value)
        else:
            owner.options[key] = value

    # ------------------------------------------------------------------ inside

    def _owners(self, parameter: Tensor, frame: FrameType | None) -> Iterator[Owner]:
        seen: set[int] = set()
        for name, optimizer in self._optimizers(frame):
            if id(optimizer) in seen:
                continue
            seen.add(id(optimizer))
            for number, group in enumerate(optimizer.param_groups):
                if any(each is parameter for each in group["params"]):
                    yield Owner(optimizer, name, number)

    def _optimizers(self, frame: FrameType | None) -> Iterator[tuple[str, Optimizer]]:
        experiment = self._experiment()
        if isinstance(experiment, Experiment):
            if isinstance(experiment.optimizer, Optimizer):
                yield "", experiment.optimizer
            return
        yield from self._subjects.optimizers(frame, self._names())

    def rate_by_hand(self, parameter: Tensor) -> float | None:
        """Of an experiment that gradstep updates by plain gradient descent."""
        experiment = self._experiment()
        if not isinstance(experiment, Experiment) or experiment.optimizer is not None:
            return None
        if not any(each is parameter for each in experiment.named_parameters.values()):
            return None
        return None if experiment.learning_rate is None else float(experiment.learning_rate)


def beside(ref: str, name: str, value: Any) -> Beside:
    """As the window is told of it. Call it unobserved."""
    if isinstance(value, Tensor):
        info = kept_info(f"{ref}{BESIDE}{name}", name, value)
        elements = info.data.elements if info.data is not None else None
        number = elements[0] if elements is not None and len(elements) == 1 else None
        return Beside(name, info, number)
    if isinstance(value, (bool, int, float)):
        return Beside(name, number=value)
    return Beside(name, text=in_words(value))


def kept_info(ref: str, name: str, tensor: Tensor) -> ValueInfo:
    described = describe(tensor)
    note = "does not require grad"
    return ValueInfo(ref, name, ValueKind.DATA, described, data=preview(tensor), note=note)


_PLAIN = (str, int, float, bool, complex, type(None))


def in_words(value: Any, depth: int = 2) -> str:
    """Plain values as Python writes them; of everything else its type: the program's own code is
    not run to describe it."""
    kind = type(value)
    if kind in _PLAIN or (
        kind.__module__ == "torch" and kind.__name__ in ("dtype", "device", "Size")
    ):
        return _short(repr(value))
    if kind in (tuple, list, dict) and depth:
        if len(value) > _MANY:
            return f"{kind.__name__} of {len(value)}"
        if kind is dict:
            inside = ", ".join(
                f"{in_words(k, 1)}: {in_words(v, depth - 1)}" for k, v in value.items()
            )
            return _short(f"{{{inside}}}")
        inside = ", ".join(in_words(item, depth - 1) for item in value)
        ends = "[]" if kind is list else "()"
        return _short(
            f"{ends[0]}{inside}{',' if kind is tuple and len(value) == 1 else ''}{ends[1]}"
        )
    if isinstance(value, Tensor):
        return f"tensor of shape {tuple(value.shape)}"
    return kind.__name__


_MANY, _LONG = 16, 160


def _short(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
