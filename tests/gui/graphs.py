"""Graphs made by hand, as the engine would send them."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from gradstep.phases import Phase
from gradstep.protocol.trace import (
    Change,
    Edge,
    Graph,
    Group,
    Node,
    NodeState,
    Operation,
    Place,
    Reason,
    Stop,
)
from gradstep.protocol.values import Preview, TensorInfo, ValueKind

Elements = float | tuple[float, ...]


def scalar(*elements: float) -> Preview:
    norm = math.sqrt(sum(e * e for e in elements))
    return Preview(elements, norm, norm / math.sqrt(len(elements)))


def tensor(shape: tuple[int, ...] = (), grad: bool = True, leaf: bool = False) -> TensorInfo:
    return TensorInfo(shape, "float32", "cpu", grad, leaf)


class Builder:
    """Collects nodes and edges; names of values stand for the nodes that made them."""

    def __init__(self, iteration: int = 1, first: int = 1) -> None:
        self.iteration = iteration
        self.nodes: dict[int, Node] = {}
        self.edges: dict[int, Edge] = {}
        self.made: dict[str, int] = {}
        self.values: dict[str, Preview | None] = {}
        self._id = first
        self._groups: dict[str, Group] = {}

    def leaf(
        self,
        kind: ValueKind,
        name: str,
        value: Preview | None,
        shape: tuple[int, ...] = (),
        grad: Preview | None = None,
        current: Preview | None = None,
    ) -> int:
        info = tensor(shape, kind == ValueKind.PARAMETER, True)
        return self._node(
            Node(
                self._next(),
                1,
                kind,
                name,
                0,
                NodeState.DONE,
                tensor=None if kind == ValueKind.CONSTANT else info,
                data=value,
                grad=grad,
                current=current,
            ),
            name,
            value,
        )

    def param(self, name: str, value: float | None = None, **more: object) -> int:
        preview = None if value is None else scalar(value)
        return self.leaf(ValueKind.PARAMETER, name, preview, **more)  # type: ignore[arg-type]

    def data(self, name: str, value: float | None = None, **more: object) -> int:
        preview = None if value is None else scalar(value)
        return self.leaf(ValueKind.DATA, name, preview, **more)  # type: ignore[arg-type]

    def constant(self, value: float) -> str:
        name = f"constant_{len(self.nodes)}"
        self.leaf(ValueKind.CONSTANT, name, scalar(value))
        return name

    def op(
        self,
        name: str,
        inputs: str,
        result: str = "",
        value: float | Preview | None = None,
        groups: str = "",
        shape: tuple[int, ...] = (),
        line: int = 10,
        state: NodeState = NodeState.DONE,
        loss: bool = False,
    ) -> int:
        """``inputs``: names of values, each perhaps with its gradient after ``^``. ``groups``:
        ``model:TwoLayers/hidden:Linear`` (modules) or ``loss_fn`` (functions)."""
        preview = scalar(value) if isinstance(value, int | float) else value
        found = tuple(self._group(part) for part in _paths(groups))
        node = Node(
            self._next(),
            1,
            ValueKind.RESULT,
            name,
            len(self.nodes),
            state,
            found,
            Place("train.py", line),
            tensor(shape, True),
            (f"{name.title()}Backward0",),
            data=preview,
            is_loss=loss,
        )
        made = self._node(node, result or f"#{node.id}", preview)
        requires = False
        for number, text in enumerate(inputs.split()):
            source, _, grad = text.partition("^")
            edge = self._edge(source, made, number, scalar(float(grad)) if grad else None)
            requires = requires or edge.requires_grad
        self._end(made, result, preview, shape, requires)
        return made

    def loss(self, name: str, grad: float | None = None) -> None:
        """Mark the value ``name`` as what backward starts from."""
        node = self.made[name]
        self.nodes[node] = replace(self.nodes[node], is_loss=True)
        for edge in self.edges.values():
            if edge.source == node and edge.target == -1 and grad is not None:
                self.edges[edge.id] = replace(edge, grad=scalar(grad))

    def set(self, value: str, /, **fields: object) -> None:
        node = self.made[value]
        self.nodes[node] = replace(self.nodes[node], **fields)  # type: ignore[arg-type]

    def set_all(self, state: NodeState) -> None:
        for node in self.nodes.values():
            if node.kind == ValueKind.RESULT:
                self.nodes[node.id] = replace(node, state=state)

    def edge_into(self, name: str, number: int = 0) -> int:
        """Id of the edge into input ``number`` of the operation that made ``name``."""
        node = self.made[name]
        return next(e.id for e in self.edges.values() if e.target == node and e.input == number)

    def edge_from(self, name: str) -> int:
        return next(e.id for e in self.edges.values() if e.source == self.made[name])

    def graph(self, reset: bool = True, revision: int = 1) -> Graph:
        nodes, edges = tuple(self.nodes.values()), tuple(self.edges.values())
        return Graph(self.iteration, revision, reset, nodes, edges)

    def _next(self) -> int:
        self._id += 1
        return self._id

    def _node(self, node: Node, name: str, value: Preview | None) -> int:
        self.nodes[node.id] = node
        self.made[name] = node.id
        self.values[name] = value
        return node.id

    def _edge(self, source: str, target: int, number: int, grad: Preview | None) -> Edge:
        node = self.nodes[self.made[source]]
        for edge in list(self.edges.values()):
            if edge.source == node.id and edge.target == -1:
                del self.edges[edge.id]
        info = node.tensor
        leaf = node.kind != ValueKind.RESULT
        edge = Edge(
            self._next(),
            1,
            node.id,
            0,
            target,
            number,
            "" if source.startswith("#") or leaf else source,
            info,
            self.values[source],
            grad,
            bool(info and info.requires_grad),
        )
        self.edges[edge.id] = edge
        return edge

    def _end(
        self, node: int, name: str, value: Preview | None, shape: tuple[int, ...], requires: bool
    ) -> None:
        info = tensor(shape, requires)
        edge = Edge(self._next(), 1, node, 0, -1, 0, name, info, value, None, requires)
        self.edges[edge.id] = edge

    def _group(self, path: str) -> Group:
        label, _, kind = path.rsplit("/", 1)[-1].partition(":")
        if path not in self._groups:
            key = f"call {self.iteration}.{len(self._groups)}"
            self._groups[path] = Group(key, label, "module" if kind else "function", kind)
        return self._groups[path]


def _paths(groups: str) -> list[str]:
    parts = [part for part in groups.split("/") if part]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


def stop(
    node: int | None = None,
    phase: Phase = Phase.BACKWARD,
    name: str = "MulBackward0",
    changed: tuple[Change, ...] = (),
    iteration: int = 2,
) -> Stop:
    operation = None if node is None else Operation(name, phase, node)
    return Stop(Reason.STEP, iteration, phase, operation=operation, changed=changed)


def linear(iteration: int = 2, moment: str = "mock", first: int = 1) -> tuple[Graph, Stop]:
    """y' = w·x in the second iteration. ``moment``: ``forward`` (done), ``mock`` (× is next in
    backward), ``backward`` (done), ``updated``, ``step n`` (n forward operations done)."""
    b = Builder(iteration, first)
    steps = int(moment[5:]) if moment.startswith("step ") else 3
    back = moment in ("mock", "backward", "updated")
    done = NodeState.BACKWARD_DONE if back else NodeState.DONE
    if steps >= 1:
        b.param("w", 1.02)
        b.data("x", 2)
        end = "^-7.84" if moment in ("backward", "updated") else ""
        b.op("mul", f"w{end} x", "y_pred", 2.04, "model", line=10)
        if moment != "mock":
            b.set("y_pred", state=done)
    if steps >= 2:
        b.data("y", 4)
        grad = "^-3.92" if back else ""
        b.op("sub", f"y_pred{grad} y", "r", -1.96, "loss_fn", line=13, state=done)
    if steps >= 3:
        two = b.constant(2)
        b.op(
            "pow",
            f"r{'^-3.92' if back else ''} {two}",
            "loss",
            3.8416,
            "loss_fn",
            line=14,
            state=done,
        )
        b.loss("loss", 1.0 if back else None)
    if moment in ("backward", "updated"):
        b.set("w", grad=scalar(-7.84))
    if moment == "updated":
        b.set("w", current=scalar(1.0984))
    if moment == "mock":
        b.set("y_pred", state=NodeState.BACKWARD_WAITING)
        change = Change("grad", "#4:0", "y_pred", None, scalar(-3.92), (b.edge_into("r"),))
        return b.graph(), stop(b.made["y_pred"], changed=(change,), iteration=iteration)
    if moment == "backward":
        change = Change("grad", "w", "w", None, scalar(-7.84), (b.edge_into("y_pred"),))
        return b.graph(), stop(changed=(change,), iteration=iteration)
    if moment == "updated":
        change = Change("value", "w", "w", scalar(1.02), scalar(1.0984))
        return b.graph(), stop(phase=Phase.UPDATE, changed=(change,), iteration=iteration)
    return b.graph(), stop(phase=Phase.FORWARD, iteration=iteration)


def product() -> tuple[Graph, Stop]:
    b = Builder()
    b.param("w", 3)
    b.param("x", 2)
    b.op("mul", "w^2 x^3", "z", 6, "product", state=NodeState.BACKWARD_DONE)
    b.loss("z", 1.0)
    b.set("w", grad=scalar(2.0))
    b.set("x", grad=scalar(3.0))
    return b.graph(), stop()


def squared_error() -> tuple[Graph, Stop]:
    b = Builder()
    b.data("x", 2)
    b.param("w", 1, grad=scalar(-8.0))
    b.op("mul", "x w^-8", "y_pred", 2, "model", state=NodeState.BACKWARD_DONE)
    b.data("y", 4)
    b.op("sub", "y_pred^-4 y", "r", -2, "loss_fn", state=NodeState.BACKWARD_DONE)
    b.op("pow", f"r^-4 {b.constant(2)}", "loss", 4, "loss_fn", state=NodeState.BACKWARD_DONE)
    b.loss("loss", 1.0)
    return b.graph(), stop()


def fan_out() -> tuple[Graph, Stop]:
    """y = x*x + x at x = 3: dy/dx = 7."""
    b = Builder()
    b.param("x", 3, grad=scalar(7.0))
    b.op("mul", "x^3 x^3", "square", 9, state=NodeState.BACKWARD_DONE)
    b.op("add", "square^1 x^1", "y", 12, state=NodeState.BACKWARD_DONE)
    b.loss("y", 1.0)
    return b.graph(), stop()


def big(norm: float) -> Preview:
    return Preview(None, norm, norm / 3)


def two_layers() -> tuple[Graph, Stop]:
    b = Builder()
    path = "TwoLayers:TwoLayers"
    b.data("x", None, shape=(4, 2))
    b.leaf(ValueKind.PARAMETER, "hidden.weight", scalar(*[0.1] * 6), (3, 2))
    b.leaf(ValueKind.PARAMETER, "hidden.bias", scalar(0.3, 0.1, -0.2), (3,))
    b.op("linear", "x hidden.weight hidden.bias", "", big(2.1), f"{path}/hidden:Linear", (4, 3))
    b.op("sigmoid", f"#{b.made[max(b.made, key=lambda k: b.made[k])]}", "h", big(1.9), path, (4, 3))
    b.leaf(ValueKind.PARAMETER, "output.weight", scalar(0.2, -0.4, 0.1), (1, 3))
    b.leaf(ValueKind.PARAMETER, "output.bias", scalar(0.05), (1,))
    b.op(
        "linear",
        "h output.weight output.bias",
        "prediction",
        scalar(0.31, 0.32, 0.29, 0.30),
        f"{path}/output:Linear",
        (4, 1),
    )
    b.data("y", None, shape=(4, 1))
    b.op("mse_loss", "prediction y", "loss", 0.2731, "MSELoss:MSELoss")
    b.loss("loss")
    return b.graph(), stop()


def perceptron(layers: int = 12) -> tuple[Graph, Stop]:
    b = Builder()
    b.data("x", shape=(32, 64))
    value = "x"
    for i in range(layers):
        b.param(f"{2 * i}.weight", shape=(64, 64))
        b.param(f"{2 * i}.bias", shape=(64,))
        path = "Sequential:Sequential"
        inputs = f"{value} {2 * i}.weight {2 * i}.bias"
        b.op("linear", inputs, f"a{i}", big(3.0), f"{path}/{2 * i}:Linear", (32, 64))
        value = f"h{i}"
        b.op("relu", f"a{i}", value, big(2.0), f"{path}/{2 * i + 1}:ReLU", (32, 64))
    b.data("target", shape=(32,))
    b.op("cross_entropy", f"{value} target", "loss", 2.3)
    b.loss("loss")
    return b.graph(), stop()


def transformer(blocks: int = 12) -> tuple[Graph, Stop]:
    """About 25 nodes per block, with residual streams and three projections side by side."""
    b = Builder()
    b.data("tokens", shape=(4, 16))
    b.param("wte.weight", shape=(256, 64))
    b.op("embedding", "tokens wte.weight", "s", big(1.0), "GPT:GPT/wte:Embedding", (4, 16, 64))
    stream = "s"
    for i in range(blocks):
        at = f"GPT:GPT/h.{i}:Block"
        stream = _block(b, stream, i, at)
    b.param("lm_head.weight", shape=(256, 64))
    b.op(
        "linear",
        f"{stream} lm_head.weight",
        "logits",
        big(4.0),
        "GPT:GPT/lm_head:Linear",
        (4, 16, 256),
    )
    b.data("targets", shape=(4, 16))
    b.op("cross_entropy", "logits targets", "loss", 6.0108, "loss_fn")
    b.loss("loss")
    return b.graph(), stop()


def _block(b: Builder, stream: str, i: int, at: str) -> str:
    def module(name: str, kind: str, op: str, inputs: str, result: str) -> str:
        leaf = f"h.{i}.{name}.weight"
        b.param(leaf, shape=(64, 64))
        b.param(f"h.{i}.{name}.bias", shape=(64,))
        b.op(
            op,
            f"{inputs} {leaf} h.{i}.{name}.bias",
            result,
            big(1.0),
            f"{at}/{name}:{kind}",
            (4, 16, 64),
        )
        return result

    n = module("ln_1", "LayerNorm", "layer_norm", stream, f"n{i}")
    q = module("q", "Linear", "linear", n, f"q{i}")
    k = module("k", "Linear", "linear", n, f"k{i}")
    v = module("v", "Linear", "linear", n, f"v{i}")
    b.op("scaled_dot_product_attention", f"{q} {k} {v}", f"att{i}", big(1.0), at, (4, 16, 64))
    o = module("c_proj", "Linear", "linear", f"att{i}", f"o{i}")
    b.op("add", f"{stream} {o}", f"s{i}a", big(1.0), at, (4, 16, 64))
    n = module("ln_2", "LayerNorm", "layer_norm", f"s{i}a", f"m{i}")
    f = module("c_fc", "Linear", "linear", n, f"f{i}")
    b.op("gelu", f, f"g{i}", big(1.0), at, (4, 16, 64))
    p = module("mlp_proj", "Linear", "linear", f"g{i}", f"p{i}")
    b.op("add", f"s{i}a {p}", f"s{i}b", big(1.0), at, (4, 16, 64))
    return f"s{i}b"


def chain(nodes: int = 1000, skip: float = 0.3, seed: int = 0) -> tuple[Graph, Stop]:
    """A chain of ``nodes`` operations; some also read what was made up to 20 steps before."""
    chance = random.Random(seed)
    b = Builder()
    b.param("v0", 1.0)
    for i in range(nodes):
        inputs = f"v{i}"
        if i > 2 and chance.random() < skip:
            inputs += f" v{chance.randrange(max(1, i - 20), i)}"
        b.op("add" if " " in inputs else "sin", inputs, f"v{i + 1}", 1.0)
    b.loss(f"v{nodes}")
    return b.graph(), stop()


LESSONS = {
    "linear": linear,
    "product": product,
    "squared_error": squared_error,
    "fan_out": fan_out,
    "two_layers": two_layers,
}
LARGE = {"perceptron": perceptron, "transformer": transformer, "chain": chain}
