"""Chain-rule cards of real programs, against exact fractions and plain PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

import gradstep
from gradstep.assets import resource
from gradstep.debuggee import Debuggee
from gradstep.protocol.cards import Chain
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Edge
from tests.engine.programs_under_test import FINAL, PATIENCE, PROGRAMS

PRACTICE = [
    str(path.relative_to(PROGRAMS))
    for folder in ("practice", "forward")
    for path in sorted((PROGRAMS / folder).glob("*.py"))
]


@contextmanager
def opened(folder: Path, text: str) -> Iterator[Debuggee]:
    path = folder / "program.py"
    path.write_text("import torch\nfrom torch import nn\n" + dedent(text))
    with gradstep.open(path, timeout=PATIENCE) as program:
        yield program


def into(program: Debuggee, operation: str, name: str = "") -> list[Edge]:
    """The edges to calls of ``operation`` that take a value called ``name``."""
    graph = program.graph()
    nodes = {node.id: node.name for node in graph.nodes}
    return [
        e
        for e in graph.edges
        if e.target >= 0 and nodes[e.target] == operation and name in ("", e.name, nodes[e.source])
    ]


def card(program: Debuggee, operation: str, name: str, index: tuple[int, ...] = ()) -> Chain:
    (edge,) = into(program, operation, name)
    return program.chain(edge.id, index)


def one(quantity: Any) -> float:
    (element,) = quantity.value.elements
    return float(element)


# ---------------------------------------------------------------------- scalars, exactly


def test_the_worked_example_step_by_step() -> None:
    """loss = (x w − y)² at x = 2, y = 4, w = 1, in fractions: ∂loss/∂w = 2 (x w − y) x = −8."""
    x, y, w = Fraction(2), Fraction(4), Fraction(1)
    residual = x * w - y
    with gradstep.open(str(resource("lessons", "squared_error.py")), timeout=PATIENCE) as program:
        program.forward()
        program.backward()
        graph = program.graph()
        nodes = {node.id: node for node in graph.nodes}
        (last,) = (n for n in graph.nodes if n.is_loss)
        edge = next(e for e in graph.edges if e.target == last.id)
        cards = []
        while True:
            cards.append(program.chain(edge.id))
            ways = [e for e in graph.edges if e.target == edge.source and e.requires_grad]
            if not ways:
                break
            (edge,) = ways
        assert nodes[edge.source].name == "w"
    steps = [(one(c.upstream[0]), one(c.local), one(c.downstream)) for c in cards]
    two = 2 * residual
    assert steps == [(1, two, two), (two, 1, two), (two, x, two * x)] and two * x == -8
    for c in cards:
        assert c.in_table and c.formula and c.source
        assert c.agreement.agrees and c.agreement.error == 0
        assert c.traced is not None and c.traced.total == one(c.downstream)


def test_what_comes_is_told_before_autograd_sends_it() -> None:
    with gradstep.open(str(resource("lessons", "linear.py")), timeout=PATIENCE) as program:
        program.forward()
        (edge,) = into(program, "mul", "w")
        early = program.chain(edge.id)
        assert early.upstream == (None,) and early.coming is None and one(early.local) == 1
        assert early.note and early.traced is None
        while program.stop is not None and program.stop.operation is not None:
            if program.stop.operation.name == "MulBackward0":
                break
            program.step()
        soon = program.chain(edge.id)
        assert soon.downstream is None and one(soon.coming) == -2
        program.step()
        late = program.chain(edge.id)
        assert one(late.downstream) == -2 and late.coming is None and late.agreement.agrees


def test_a_plain_number_has_none(tmp_path: Path) -> None:
    text = """
        w = torch.tensor(2.0, requires_grad=True)
        loss = w * 3
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        (number,) = (e for e in into(program, "mul") if e.tensor is None)
        with pytest.raises(RequestFailed, match="plain number"):
            program.chain(number.id)


def test_uses_of_a_value_add_up(tmp_path: Path) -> None:
    text = """
        w = torch.tensor([2.0, 3.0], requires_grad=True)
        loss = (w * w.exp() + w.sin()).sum()
        loss.backward()
    """
    w = torch.tensor([2.0, 3.0], dtype=torch.float64)
    with opened(tmp_path, text) as program:
        program.backward()
        found = card(program, "sin", "w", (1,))
    fan = found.fan_out
    assert fan is not None and fan.complete and len(fan.paths) == 3
    paths = {p.operation: p.element for p in fan.paths}
    assert paths["mul"] == pytest.approx(w[1].exp().item(), rel=1e-6)
    assert paths["exp"] == pytest.approx((w * w.exp())[1].item(), rel=1e-6)
    assert paths["sin"] == pytest.approx(w[1].cos().item(), rel=1e-6)
    assert fan.element == pytest.approx(sum(paths.values()), rel=1e-6)
    assert [p.operation for p in fan.paths if p.chosen] == ["sin"]


def test_a_second_backward_begins_with_nothing_sent(tmp_path: Path) -> None:
    """Copies of what the first one sent are still there; they are not this one's."""
    text = """
        w = torch.tensor(2.0, requires_grad=True)
        a = w * 3
        loss = a * a + w.sin()
        loss.backward(retain_graph=True)
        (loss * 2).backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        (edge,) = into(program, "mul", "w")
        first = program.chain(edge.id)
        assert one(first.upstream[0]) == 12 and one(first.downstream) == 36
        while program.step().operation.name != "MulBackward0":
            pass
        early = program.chain(edge.id)
        assert early.upstream == (None,) and early.downstream is None and early.traced is None
        assert early.fan_out is not None and not early.fan_out.complete
        program.backward()
        late = program.chain(edge.id)
    assert one(late.upstream[0]) == 24 and one(late.downstream) == 72 and late.agreement.agrees
    assert late.fan_out is not None and late.fan_out.complete


# ---------------------------------------------------------------------- tensors

NET = """
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x, t = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    scale = torch.ones(1, 2, requires_grad=True)
    z = net(x) * scale
    loss = nn.functional.cross_entropy(z, t)
    loss.backward()
"""


def plain_net() -> dict[str, Any]:
    names: dict[str, Any] = {}
    text = dedent(NET).replace("loss.backward()", "z.retain_grad(); loss.backward()")
    exec("import torch\nfrom torch import nn\n" + text, names)
    return names


def test_one_element_of_a_weight_is_a_sum_over_the_batch(tmp_path: Path) -> None:
    truth = plain_net()
    upstream = (truth["z"].grad * truth["scale"]).detach().double()
    h = truth["net"][:2](truth["x"]).detach().double()
    with opened(tmp_path, NET) as program:
        program.backward()
        found = card(program, "linear", "2.weight", (1, 2))
    assert found.argument == "weight" and found.symbol == "W" and found.local is None
    assert [q.shape for q in found.operands] == [(5, 4), (2, 4), (2,)]
    assert found.upstream[0] is not None and found.upstream[0].shape == (5, 2)
    assert found.downstream is not None and found.downstream.shape == (2, 4)
    assert found.agreement.agrees
    traced = found.traced
    assert traced is not None and traced.index == (1, 2) and traced.left == 0
    # ∂L/∂W[1, 2] = Σ over the five samples of ∂L/∂Y[b, 1] · X[b, 2].
    wanted = [(upstream[b, 1].item(), h[b, 2].item()) for b in range(5)]
    assert [tuple(f.value for f in term.factors) for term in traced.terms] == [
        (pytest.approx(u, rel=1e-5), pytest.approx(a, rel=1e-5)) for u, a in wanted
    ]
    assert [term.factors[1].index for term in traced.terms] == [(b, 2) for b in range(5)]
    assert traced.total == pytest.approx(truth["net"][2].weight.grad[1, 2].item(), rel=1e-5)


def test_what_was_broadcast_is_summed(tmp_path: Path) -> None:
    truth = plain_net()
    with opened(tmp_path, NET) as program:
        program.backward()
        found = card(program, "mul", "scale", (0, 1))
        softmax = card(program, "cross_entropy", "z", (2, 0))
    assert found.summed == (0,) and found.unreduced is not None
    assert found.unreduced.shape == (5, 2) and found.traced is not None
    assert len(found.traced.terms) == 5
    assert found.traced.total == pytest.approx(truth["scale"].grad[0, 1].item(), rel=1e-5)
    # Softmax with cross-entropy leaves ŷ − y, a fifth of it for a mean over five.
    z, t = truth["z"].detach(), truth["t"]
    wanted = (z.softmax(1)[2, 0] - float(t[2] == 0)) / 5
    assert softmax.traced is not None
    assert softmax.traced.total == pytest.approx(wanted.item(), rel=1e-5)


def test_an_operation_outside_of_the_table_shows_what_autograd_sent(tmp_path: Path) -> None:
    text = """
        w = torch.tensor([[2.0, 1.0], [0.0, 3.0]], requires_grad=True)
        loss = torch.linalg.matrix_exp(w).sum()
        loss.backward()
    """
    w = torch.tensor([[2.0, 1.0], [0.0, 3.0]], requires_grad=True)
    torch.linalg.matrix_exp(w).sum().backward()
    assert w.grad is not None
    with opened(tmp_path, text) as program:
        program.backward()
        (edge,) = into(program, "linalg_matrix_exp")
        found = program.chain(edge.id)
    assert not found.in_table and not found.formula and found.downstream is not None
    assert list(found.downstream.value.elements or ()) == w.grad.flatten().tolist()


def test_a_hook_that_changes_a_gradient_is_noticed(tmp_path: Path) -> None:
    text = """
        w = torch.tensor([2.0, 1.0], requires_grad=True)
        a = w * 3
        torch.autograd.graph.Node
        a.grad_fn.register_hook(lambda down, up: tuple(g * 2 if g is not None else g for g in down))
        loss = a.sum()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        found = card(program, "mul", "w")
    assert found.agreement.agrees is False
    assert found.agreement.error == pytest.approx(0.5)


def test_what_was_computed_in_bfloat16_is_not_called_wrong(tmp_path: Path) -> None:
    text = """
        torch.manual_seed(0)
        net, x = nn.Linear(8, 4), torch.randn(6, 8)
        with torch.autocast("cpu", torch.bfloat16):
            loss = net(x).float().square().mean()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        found = card(program, "linear", "weight")
    assert found.downstream is not None and found.downstream.dtype == "float32"
    assert found.agreement.agrees and found.agreement.error > 1e-4


def test_after_an_update_the_old_operands_are_not_made_up(tmp_path: Path) -> None:
    text = """
        w = torch.tensor([2.0, 1.0], requires_grad=True)
        x = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.5)
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
    """
    with opened(tmp_path, text) as program:
        program.update()
        found = card(program, "mul", "x")
        assert "updated" in found.note and found.local is None
        assert found.downstream is not None and found.downstream.value.elements == (2.0, 1.0)
        with pytest.raises(RequestFailed, match="no operation"):
            program.chain(10**6)


def test_a_call_that_uses_its_input_twice_inside_sends_the_sum(tmp_path: Path) -> None:
    """``normalize`` divides by the length: the gradient goes both ways, along one edge."""
    text = """
        torch.manual_seed(0)
        w = torch.randn(3, 4, requires_grad=True)
        loss = (nn.functional.normalize(w) * torch.arange(4.0)).sum()
        loss.backward()
        shown = w.grad.clone()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        (edge,) = into(program, "normalize", "w")
        found = program.chain(edge.id)
        assert list(edge.grad.elements) == list(found.downstream.value.elements)
        assert found.downstream.value.elements == pytest.approx(program.value("w").grad.flat())
    assert found.agreement.agrees


def test_where_a_gradient_was_differentiated_no_mistake_is_claimed(tmp_path: Path) -> None:
    text = """
        torch.manual_seed(0)
        w, x = torch.randn(1, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
        y = nn.functional.linear(x, w).pow(3).sum()
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        loss = y + g.pow(2).sum()
        loss.backward()
    """
    with opened(tmp_path, text) as program:
        program.backward()
        program.backward()
        found = card(program, "linear", "w")
    assert found.agreement.agrees is None and "create_graph" in found.agreement.note


@pytest.mark.sweep
@pytest.mark.parametrize("name", PRACTICE)
def test_every_card_of_a_program_agrees(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All edges of three backwards: no card without a reason, none that disagrees."""
    monkeypatch.chdir(tmp_path)  # some of them write files
    monkeypatch.setenv("PYTHONPATH", str(PROGRAMS / "fidelity"))
    seen = 0
    with gradstep.open(PROGRAMS / name, timeout=PATIENCE) as program:
        for _ in range(3):
            if program.backward().reason in FINAL:
                break
            for edge in program.graph().edges:
                if edge.target < 0 or edge.grad is None:
                    continue
                found = program.chain(edge.id)
                seen += 1
                assert found.agreement.agrees is not False, found
                assert "cannot be applied" not in found.note, found
                traced = found.traced
                if traced is not None and traced.terms and not traced.left:  # none: measured
                    total = sum(term.value for term in traced.terms)
                    assert total == pytest.approx(traced.total, rel=1e-9, abs=1e-12)
    assert seen


# ---------------------------------------------------------------------- outside of the table

OUTSIDE = """
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3
        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x * x * g

    torch.manual_seed(0)
    lstm = nn.LSTM(3, 4, num_layers=2, batch_first=True, dropout=0.3)
    gru, rnn = nn.GRU(4, 5, bidirectional=True), nn.RNN(10, 2)
    x = torch.randn(2, 6, 3)
    a, (h, _) = lstm(x)
    b, _ = gru(a)
    c, _ = rnn(b)
    d = Cube.apply(c)
    loss = d.square().mean() + h.sum()
    loss.backward()
    print(torch.rand(()).item())
"""


def test_what_no_formula_is_kept_for_is_differentiated_numerically(tmp_path: Path) -> None:
    """Whole recurrent layers: one call each, which is made again; and a function of the program's
    own, which is not. Against plain PyTorch; no random number is used up."""
    space: dict[str, Any] = {"torch": torch, "nn": torch.nn, "print": lambda number: None}
    text = dedent(OUTSIDE).replace("loss.backward()", "[t.retain_grad() for t in (a, b, c, d)]")
    exec(text.replace("print(torch.rand(()).item())", "loss.backward()"), space)
    grads = {"gru": space["a"].grad, "rnn_tanh": space["b"].grad, "Cube": space["c"].grad}
    with opened(tmp_path, OUTSIDE) as program:
        program.backward()
        for operation, name, index in (("gru", "a", (1, 2, 3)), ("rnn_tanh", "b", (0, 4, 1))):
            found = card(program, operation, name, index)
            assert not found.in_table and not found.note and found.traced is not None
            assert found.traced.total == pytest.approx(grads[operation][index].item(), rel=1e-4)
            assert found.agreement.agrees and found.agreement.error < 1e-6  # type: ignore[operator]
            norm = found.downstream.value.norm  # type: ignore[union-attr]
            assert norm == pytest.approx(grads[operation].norm().item(), rel=1e-5)
        for layer in ("lstm", "gru", "rnn"):
            for name, parameter in space[layer].named_parameters():
                operation = "rnn_tanh" if layer == "rnn" else layer
                index = (1,) * parameter.dim()
                found = card(program, operation, f"{layer}.{name}", index)
                assert found.agreement.agrees, (layer, name, found.note)
                expected = parameter.grad[index].item()
                assert found.traced is not None
                assert found.traced.total == pytest.approx(expected, rel=1e-4, abs=1e-7)
        cube = card(program, "Cube", "c")
        assert "its code is not run a second time" in cube.note and cube.traced is None
        norm = cube.downstream.value.norm  # type: ignore[union-attr]
        sent = 3 * space["c"].detach() ** 2 * space["d"].grad
        assert norm == pytest.approx(sent.norm().item(), rel=1e-6)
        assert norm == pytest.approx(grads["Cube"].norm().item(), rel=1e-6)
        with pytest.raises(RequestFailed, match="Cube is a function of the program's own"):
            program.check("a", (0, 0, 0))
        program.run()
        assert float(program.output) == torch.rand(()).item()
