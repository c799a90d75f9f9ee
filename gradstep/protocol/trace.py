"""Where a program stands and what it did: stops, graph, timeline, losses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gradstep.phases import Phase
from gradstep.protocol.nonfinite import Nonfinite
from gradstep.protocol.place import Place as Place
from gradstep.protocol.values import Preview, TensorInfo, ValueInfo, ValueKind


class Level(StrEnum):
    """How much is captured. Each level includes the one before."""

    RUN = "run"  # entry into backward and optimizer steps only; no torch modes
    PHASE = "phase"  # every call as the user wrote it
    OPERATION = "operation"  # the aten operations below and the nodes of backward


class Goal(StrEnum):
    """How far to go on."""

    STEP = "step"  # one operation
    INTO = "into"  # the next line or operation, however deep
    OVER = "over"  # the next line or operation that is no deeper than this one
    OUT = "out"  # until the module or function around this one has returned
    FORWARD = "forward"
    BACKWARD = "backward"
    UPDATE = "update"
    ZERO_GRAD = "zero_grad"
    ITERATION = "iteration"
    EPOCH = "epoch"
    LINE = "line"  # a line of source, given with the command
    NAN = "nan"  # a loss or gradient that is no finite number
    RUN = "run"


class Reason(StrEnum):
    """Why the program stands still."""

    START = "start"  # loaded, nothing has run yet
    STEP = "step"
    PHASE = "phase"  # the phase asked for is complete
    ITERATION = "iteration"
    EPOCH = "epoch"
    LINE = "line"  # the line asked for
    BREAKPOINT = "breakpoint"
    NAN = "nan"  # something is no finite number
    PAUSE = "pause"
    EXCEPTION = "exception"  # the program raised; its frames can still be read
    REFUSED = "refused"  # an experiment's phase failed by PyTorch's rules; it can go on
    END = "end"  # the program finished by itself
    LOST = "lost"  # the process is gone (killed, os._exit, out of memory)


class NodeState(StrEnum):
    """Of an operation on the graph, at a stop. The next one is ``Stop.operation``."""

    RUNNING = "running"  # the call has begun and not returned
    DONE = "done"  # forward done
    BACKWARD_WAITING = "backward_waiting"  # this backward will reach it
    BACKWARD_DONE = "backward_done"


@dataclass(frozen=True)
class Operation:
    """One operation. ``name`` is torch's (``mul``, ``MulBackward0``, ``AccumulateGrad``);
    ``node`` its place on the graph, if it has one; ``place`` the line that made it (for a
    backward node: the line of the forward call)."""

    name: str
    phase: Phase | None = None
    node: int | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Change:
    """What the last operation changed. ``field``: ``value`` (a result or a parameter's data) or
    ``grad``. ``ref`` names the value (see ``ValueInfo``), ``edges`` are the graph's edges."""

    field: str
    ref: str
    name: str
    before: Preview | None = None
    after: Preview | None = None
    edges: tuple[int, ...] = ()


@dataclass(frozen=True)
class Failure:
    """An exception of the user's program. ``frames`` outermost first, without gradstep's own;
    ``text`` as Python prints it; ``explanation`` says in words what happened and what to do."""

    type: str
    message: str
    text: str = ""
    frames: tuple[Place, ...] = ()
    explanation: str = ""


@dataclass(frozen=True)
class Stop:
    """The program stands still.

    ``place`` is the line to execute next; inside backward it is the line that called backward.
    ``operation`` is the *next* operation to execute, None when Python code comes first.
    ``done`` and ``total`` count operations of the current phase (``total`` None if unknown).
    ``epoch`` and ``sample`` (1-based) are known for experiments only. ``outer`` is the phase around
    this one (an optimizer's closure runs zero-grad, forward and backward inside the update).
    ``subject`` says which optimizer or model the phase works on, where there are several.
    ``breakpoints``: the ids of those that were hit. ``nonfinite``: at ``Reason.NAN`` what was
    found; ``operation`` is then the one that made it, and it has just run."""

    reason: Reason
    iteration: int = 0
    phase: Phase | None = None
    place: Place | None = None
    operation: Operation | None = None
    changed: tuple[Change, ...] = ()
    done: int = 0
    total: int | None = None
    epoch: int | None = None
    sample: int | None = None
    level: Level = Level.OPERATION
    message: str = ""
    failure: Failure | None = None
    exit_code: int | None = None
    next_phase: Phase | None = None
    outer: Phase | None = None
    subject: str = ""
    breakpoints: tuple[int, ...] = ()
    nonfinite: Nonfinite | None = None

    @property
    def line(self) -> int | None:
        return self.place.line if self.place else None

    @property
    def file(self) -> str | None:
        return self.place.file if self.place else None


@dataclass(frozen=True)
class Node:
    """A place on the graph: an operation (``kind`` result), or a leaf feeding one.

    ``id`` is unique within the program's life. ``name`` is the operation (``mul``) or the leaf's
    name. ``groups`` are the calls around it, outermost first: a group's ``key`` is unique per call.
    ``backward`` names the autograd nodes that it made, ``backward_done`` how many have run.
    ``saved`` says what is kept for backward: ``""`` nothing known, ``alive`` or ``freed``.
    ``grad``: a leaf's ``.grad`` now. ``current``: a leaf's data now, when changed since its use.
    ``detail``: a number or word that belongs to the symbol (the exponent of ``pow``)."""

    id: int
    revision: int
    kind: ValueKind
    name: str
    order: int
    state: NodeState
    groups: tuple[Group, ...] = ()
    place: Place | None = None
    tensor: TensorInfo | None = None
    backward: tuple[str, ...] = ()
    backward_done: int = 0
    saved: str = ""
    in_place: bool = False
    is_view: bool = False
    no_grad: bool = False
    is_loss: bool = False
    data: Preview | None = None
    grad: Preview | None = None
    grad_note: str = ""
    current: Preview | None = None
    aten: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Group:
    """One call of a module or of a user's function."""

    key: str
    label: str
    kind: str  # "module" or "function"
    type: str = ""  # the module's class


@dataclass(frozen=True)
class Edge:
    """A tensor on its way from ``source``'s ``output`` to ``target``'s ``input``; ``target`` -1 for
    a result nobody has used yet (the loss). ``name`` is what the program calls it.
    ``value`` as it was when used; ``grad`` what backward sent along this edge (None: not yet, or
    never: see ``requires_grad``)."""

    id: int
    revision: int
    source: int
    output: int
    target: int
    input: int
    name: str = ""
    tensor: TensorInfo | None = None
    value: Preview | None = None
    grad: Preview | None = None
    requires_grad: bool = False


@dataclass(frozen=True)
class Graph:
    """The current iteration. With ``since``, only what changed after that revision; ``reset`` says
    that everything before is gone (a new iteration began)."""

    iteration: int
    revision: int
    reset: bool
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    note: str = ""


@dataclass(frozen=True)
class TimelineCell:
    """One operation on the timeline."""

    name: str
    node: int | None = None
    line: int | None = None
    file: str = ""


@dataclass(frozen=True)
class TimelinePhase:
    """A stretch of one phase. ``cells`` is empty at run level; ``count`` is the number of
    operations (more than ``len(cells)`` when only the first were kept). ``complete``: it ended.
    ``outer`` is the phase around it: that of the optimizer which calls a closure."""

    phase: Phase
    iteration: int
    index: int
    count: int
    complete: bool
    cells: tuple[TimelineCell, ...] = ()
    title: str = ""
    outer: Phase | None = None


@dataclass(frozen=True)
class Timeline:
    """Stretches from ``first`` on, oldest first. ``first`` may lie before what was asked for (see
    ``since`` in the request): from there on all is new."""

    first: int
    phases: tuple[TimelinePhase, ...]


@dataclass(frozen=True)
class Losses:
    """Values that backward was called on, by iteration. ``first`` is the index of the first.
    ``sources`` tells which of ``names`` each is (all of them the first, if empty): what the program
    calls it where it calls backward. ``epochs``: indices, from ``first`` on, at which one begins.
    """

    first: int
    iterations: tuple[int, ...]
    values: tuple[float, ...]
    labels: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    epochs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Moment:
    """All that a view needs at a stop, in one answer: what is new, and the values alive now."""

    graph: Graph
    timeline: Timeline
    losses: Losses
    values: tuple[ValueInfo, ...]


@dataclass(frozen=True)
class Source:
    """The text of what a program runs and no file holds: a notebook's cell, say. ``title`` is how
    a person calls it (``In[3]``), or empty."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Device:
    """A device that the program's interpreter offers. ``id`` is torch's (``cuda:0``)."""

    id: str
    name: str
    memory: int | None = None


@dataclass(frozen=True)
class Devices:
    """``current``: where an experiment lives. ``fixed``: why it cannot be chosen, or empty."""

    available: tuple[Device, ...]
    current: str
    fixed: str = ""


@dataclass(frozen=True)
class Loaded:
    """The engine is ready: what it found."""

    kind: str  # "experiment" or "script"
    file: str
    python: str
    torch: str
    title: str = ""
    epochs: int | None = None
    samples: int | None = None
