"""The graph at sizes that hurt: how soon it is there, how smoothly it moves, what a step costs.

    python tests/benchmarks/bench_graph.py [--dot]

The graphs are those of real programs (``models``), stepped by the engine. Milliseconds of the
processor's time in the window's thread, unless said otherwise: other work on the machine does not
change those. ``--dot`` also lays the opened graphs out with Graphviz and counts crossings of both.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import gradstep
from gradstep.gui.app import make_application
from gradstep.gui.graph.build import fold
from gradstep.gui.graph.curves import lanes, ports
from gradstep.gui.graph.folding import everything
from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.placing import place_flowing
from gradstep.gui.graph.plan import planned
from gradstep.gui.graph.scene import Scene
from gradstep.gui.graph.sizes import item_size, label_size
from gradstep.phases import Phase
from gradstep.protocol.trace import Change, Graph, NodeState, Operation, Reason, Stop
from tests.gui import graphs
from tests.gui.graph_bench import Bench, wait_for
from tests.gui.scenes import model_of

MODELS = Path(__file__).parent / "models"
PROGRAMS: dict[str, tuple[str, list[str]]] = {
    "gpt2": ("gpt2_like.py", []),
    "resnet50": ("resnet50_like.py", []),
    "recurrent, 50 steps": ("recurrent.py", ["50"]),
    "recurrent, 500 steps": ("recurrent.py", ["500"]),
}
FRAMES = 60
Made = tuple[Graph, Stop]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dot", action="store_true")
    given = parser.parse_args()
    app = make_application()
    made = {name: _captured(*program) for name, program in PROGRAMS.items()}
    for name, one in made.items():
        for modules in (True, False):
            _first(app, name, one, modules)
    _moving(app, "recurrent, 500 steps", made["recurrent, 500 steps"])
    _moving(app, "a chain of 38,000", graphs.chain(38_000))
    for name in ("gpt2", "recurrent, 500 steps"):
        for modules in (True, False):
            _steps(app, name, made[name], modules)
    if given.dot:
        for name in list(made)[:3]:
            _against_dot(name, made[name])


def _captured(file: str, arguments: list[str]) -> Made:
    with gradstep.open(str(MODELS / file), args=arguments) as debuggee:
        debuggee.forward()
        debuggee.backward()
        stop = debuggee.stop
        assert stop is not None
        return debuggee.graph(), stop


def _shown(made: Made, modules: bool) -> tuple[Bench, float]:
    """A panel with a picture of ``made``, and how many milliseconds went by until it was
    painted."""
    bench = Bench()
    bench.panel.resize(1600, 1000)
    bench.panel._modules = modules
    graph, stop = made
    begun = time.perf_counter()
    bench.session.stopped.emit(stop)
    bench.session.graphChanged.emit(graph)
    assert wait_for(lambda: not bench.panel.waiting, 300_000)
    bench.canvas.repaint()
    return bench, (time.perf_counter() - begun) * 1000


def _first(app: Any, name: str, made: Made, modules: bool) -> None:
    bench, took = _shown(made, modules)
    how = "modules" if modules else "operations"
    items, links = len(bench.canvas.picture.items), len(bench.canvas.picture.links)
    print(f"{name:22} {how:10} {items:6} items {links:6} links: painted after {took:7.0f} ms")
    bench.panel.close()


def _moving(app: Any, name: str, made: Made) -> None:
    bench, _ = _shown(made, False)
    canvas = bench.canvas
    bounds = canvas.picture.placement.bounds
    middle = (bounds.left + bounds.right) / 2, (bounds.top + bounds.bottom) / 2
    print(f"{name}: {len(canvas.picture.items)} items, p50 / p95 of a frame in ms")
    for scale in (0.02, 0.05, 0.45, 0.64, 1.0):
        canvas.zoom_to(scale)
        canvas.look_at(*middle)
        wait_for(lambda: False, 200)

        def pan(i: int) -> None:
            canvas.pan(7 if i % 20 < 10 else -7, 5 if i % 20 < 10 else -5)

        def zoom(i: int) -> None:
            canvas.keep_frame()
            canvas.zoom(1.05 if i % 20 < 10 else 1 / 1.05)

        print(f"  scale {scale:4}: pan {_frames(app, pan)}, zoom {_frames(app, zoom)}", flush=True)
    bench.panel.close()


def _frames(app: Any, move: Callable[[int], None]) -> str:
    took = []
    for i in range(FRAMES):
        begun = time.thread_time()
        move(i)
        app.processEvents()
        took.append((time.thread_time() - begun) * 1000)
    return _told(took)


def _told(took: list[float]) -> str:
    ordered = sorted(took)
    return f"{statistics.median(ordered):5.1f} / {ordered[int(len(ordered) * 0.95)]:5.1f}"


def _steps(app: Any, name: str, made: Made, modules: bool) -> None:
    """Steps of backward that leave the view where it is: what the window's thread does until the
    picture is up to date, and the painting."""
    bench, _ = _shown(made, modules)
    bench.panel.follow.setChecked(False)
    graph, _ = made
    results = [node for node in graph.nodes if node.kind == "result"][::-1]
    wait_for(lambda: False, 500)
    update, paint = [], []
    for node, following in pairwise(results[:41]):
        edges = tuple(
            replace(edge, grad=graphs.scalar(1.0)) for edge in graph.edges if edge.target == node.id
        )
        state = replace(node, state=NodeState.BACKWARD_DONE)
        patch = Graph(graph.iteration, graph.revision + 1, False, (state,), edges)
        change = Change("grad", f"#{node.id}:0", "r", None, None, tuple(e.id for e in edges))
        operation = Operation("x", Phase.BACKWARD, following.id)
        stop = Stop(Reason.STEP, graph.iteration, Phase.BACKWARD, None, operation, (change,))
        begun = time.thread_time()
        bench.session.stopped.emit(stop)
        bench.session.graphChanged.emit(patch)
        assert not bench.panel.waiting, "a step is put into the picture at once"
        shown = time.thread_time()
        app.processEvents()
        update.append((shown - begun) * 1000)
        paint.append((time.thread_time() - shown) * 1000)
    how = "modules" if modules else "operations"
    print(f"step, {name}, {how}: picture {_told(update)}, painting {_told(paint)} ms")
    bench.panel.close()


# ---------------------------------------------------------------------- against Graphviz


def _against_dot(name: str, made: Made) -> None:
    plan = planned(model_of(made[0]))
    scene = fold(plan, everything())
    begun = time.process_time()
    placement = place_flowing(scene, Flow.DOWN)
    ours = (time.process_time() - begun) * 1000
    found = ports(scene, placement)
    lines = [lanes(link, scene, placement, found).middle for link in scene.links.values()]
    ends = [(link.source, link.target) for link in scene.links.values()]
    print(f"{name}: ours {ours:.0f} ms, {crossings(lines, ends)} crossings")
    for what in ("plain", "clusters", "clusters and labels"):
        took, theirs = _dot(scene, what)
        print(f"  dot, {what}: {took:.0f} ms, {crossings(theirs, ends)} crossings")


def _dot(scene: Scene, what: str) -> tuple[float, list[np.ndarray]]:
    """Milliseconds and lines of ``dot``, given the sizes of nodes and, if wanted, groups and what
    stands on edges."""
    number = {key: i for i, key in enumerate(scene.items)}
    text = ["digraph {"]
    for key, item in scene.items.items():
        size = item_size(item)
        wide, high = size.width / 72, size.height / 72
        text.append(f'{number[key]} [shape=box fixedsize=true label="" width={wide} height={high}]')

    def cluster(parent: str) -> None:
        for i, (key, frame) in enumerate(scene.frames.items()):
            if frame.parent == parent:
                text.append(f'subgraph cluster_{i} {{ label="{frame.group.label}"')
                text.extend(str(number[k]) for k in frame.items if scene.items[k].groups[-1] == key)
                cluster(key)
                text.append("}")

    if what != "plain":
        cluster("")
    for i, link in enumerate(scene.links.values()):
        label = ""
        if what.endswith("labels"):
            size = label_size(link, scene.items[link.source])
            label = (
                f'label=<<table border="0" fixedsize="true" width="{size.value + size.grad:.0f}" '
                f'height="{size.above + size.below:.0f}"><tr><td></td></tr></table>>'
            )
        text.append(f"{number[link.source]} -> {number[link.target]} [id={i} {label}]")
    text.append("}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(["dot", "-Tjson"], input="\n".join(text), capture_output=True, text=True)
    took = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) * 1000
    return took, _splines(done.stdout)


def _splines(text: str) -> list[np.ndarray]:
    lines: dict[int, np.ndarray] = {}
    t = np.linspace(0, 1, 12)[:, None]
    for edge in json.loads(text)["edges"]:
        points = [
            tuple(map(float, part.split(",")[-2:]))
            for part in edge["pos"].split()
            if not part.startswith(("e", "s"))
        ]
        p = np.array(points)
        parts = [
            (1 - t) ** 3 * p[i]
            + 3 * (1 - t) ** 2 * t * p[i + 1]
            + 3 * (1 - t) * t * t * p[i + 2]
            + t**3 * p[i + 3]
            for i in range(0, len(p) - 3, 3)
        ]
        lines[int(edge["id"])] = np.concatenate(parts)
    return [lines[i] for i in sorted(lines)]


def crossings(lines: Sequence[np.ndarray], ends: Sequence[tuple[str, str]]) -> int:
    """Pairs of lines without a common end that cross."""
    own = np.concatenate([np.full(len(line) - 1, i) for i, line in enumerate(lines)])
    a = np.concatenate([line[:-1] for line in lines])
    b = np.concatenate([line[1:] for line in lines])
    order = np.argsort(np.minimum(a[:, 1], b[:, 1]))
    own, a, b = own[order], a[order], b[order]
    low, high = np.minimum(a, b), np.maximum(a, b)
    found: set[tuple[int, int]] = set()
    for i in range(len(a)):
        stop = np.searchsorted(low[:, 1], high[i, 1], "right")
        c = np.arange(i + 1, stop)
        c = c[(own[c] != own[i]) & (low[c, 0] <= high[i, 0]) & (high[c, 0] >= low[i, 0])]
        run, other, apart = b[i] - a[i], b[c] - a[c], a[c] - a[i]
        area = run[0] * other[:, 1] - run[1] * other[:, 0]
        with np.errstate(all="ignore"):
            s = (apart[:, 0] * other[:, 1] - apart[:, 1] * other[:, 0]) / area
            t = (apart[:, 0] * run[1] - apart[:, 1] * run[0]) / area
        hit = (np.abs(area) > 1e-9) & (s > 1e-3) & (s < 1 - 1e-3) & (t > 1e-3) & (t < 1 - 1e-3)
        for k in c[hit]:
            one, two = int(own[i]), int(own[k])
            if not set(ends[one]) & set(ends[two]):
                found.add((min(one, two), max(one, two)))
    return len(found)


if __name__ == "__main__":
    main()
