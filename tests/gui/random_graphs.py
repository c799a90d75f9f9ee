"""Graphs that nobody would write: calls within calls, values used anywhere, long names."""

from __future__ import annotations

import random

from gradstep.protocol.trace import Graph, Stop
from tests.gui import graphs

NAMES = ("mul", "add", "linear", "exp", "scaled_dot_product_attention", "a_long_function_name")


def random_graph(seed: int) -> tuple[Graph, Stop]:
    """The same for the same ``seed``."""
    chance = random.Random(seed)
    b = graphs.Builder()
    values = []
    for i in range(chance.randint(1, 3)):
        (b.param if chance.random() < 0.5 else b.data)(f"l{i}", 1.0)
        values.append(f"l{i}")
    calls: list[str] = []
    count = 0
    for i in range(chance.randint(3, 40)):
        while calls and chance.random() < 0.3:
            calls.pop()
        while len(calls) < 3 and chance.random() < 0.3:
            count += 1
            calls.append(f"g{count}" + (":M" if chance.random() < 0.5 else ""))
        inputs = [chance.choice(values[-8:]) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
        if chance.random() < 0.4:
            shape = (3, 4) if chance.random() < 0.5 else ()
            (b.param if chance.random() < 0.7 else b.data)(f"p{i}", 1.0, shape=shape)
            inputs.append(f"p{i}")
            if chance.random() < 0.2:
                values.append(f"p{i}")
        shape = chance.choice(((), (2,), (3, 4)))
        b.op(chance.choice(NAMES), " ".join(inputs), f"v{i}", 1.0, "/".join(calls), shape=shape)
        values.append(f"v{i}")
    return b.graph(), graphs.stop()


def first_steps(graph: Graph, count: int) -> Graph:
    """``graph`` as it was after ``count`` operations."""
    order = [node.id for node in graph.nodes if node.kind == "result"]
    ran = set(order[:count])
    edges = tuple(e for e in graph.edges if e.target in ran)
    used = ran | {edge.source for edge in edges}
    return Graph(1, 1, True, tuple(n for n in graph.nodes if n.id in used), edges)
