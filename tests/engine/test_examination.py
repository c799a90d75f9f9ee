"""Histograms, optimizer state, saved tensors, changes, watches, edits: against plain PyTorch."""

from __future__ import annotations

import itertools
import math
import runpy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import gradstep
from gradstep.protocol.examination import Axes, Life, Since
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Reason
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, Opened

VALUES = PROGRAMS / "values.py"
ADAM, BY_HAND, KINDS = (PROGRAMS / f"examined/{n}.py" for n in ("adam", "by_hand", "kinds"))
HISTOGRAMS = "float64 float16 bfloat16 float8 int64 uint8 boolean complex64 four spoiled large"
HISTOGRAMS += " number"

Open = Callable[..., Opened]


@pytest.fixture
def opened() -> Iterator[Open]:
    made = []

    def open_(path: Any) -> Opened:
        made.append(gradstep.open(path, timeout=PATIENCE))
        return Opened(made[-1])

    yield open_
    for debuggee in made:
        debuggee.close()


def plain(path: Any) -> Any:
    """The same experiment in this process."""
    return runpy.run_path(str(path))["experiment"]()


def phases(experiment: Any, sample: int, *names: str) -> None:
    for name in names or ("forward", "backward", "update", "zero_grad"):
        getattr(experiment, name)(*([sample] if name == "forward" else []))


# ---------------------------------------------------------------------- what it is


@pytest.fixture(scope="module")
def values() -> Iterator[tuple[Opened, dict[str, Tensor]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nested tensors are a prototype, says torch
        found = runpy.run_path(str(VALUES))
    with gradstep.open(VALUES, timeout=PATIENCE) as debuggee:
        assert Opened(debuggee).run().reason is Reason.END
        yield Opened(debuggee), {k: v for k, v in found.items() if isinstance(v, Tensor)}


@pytest.mark.parametrize("name", HISTOGRAMS.split())
def test_histogram(values: tuple[Opened, dict[str, Tensor]], name: str) -> None:
    bins = 7
    program, truth = values
    tensor = truth[name]
    wide = (tensor.abs() if tensor.is_complex() else tensor).double().numpy().ravel()
    finite = wide[np.isfinite(wide)]
    found = program.histogram(name, bins=bins)
    assert found.finite == finite.size == sum(found.counts)
    if finite.min() < finite.max():
        assert (found.low, found.high) == (finite.min(), finite.max())
    else:
        assert (found.low, found.high) == (finite.min() - 0.5, finite.max() + 0.5)
    edges = np.linspace(found.low, found.high, bins + 1)
    expected = [((finite >= a) & (finite < b)).sum() for a, b in itertools.pairwise(edges)]
    expected[-1] += (finite == found.high).sum()
    assert list(found.counts) == expected


def test_histogram_of_nothing(values: tuple[Opened, dict[str, Tensor]]) -> None:
    program, _ = values
    for name, words in (("nothing_finite", "finite"), ("empty", "no elements"), ("meta", "meta")):
        with pytest.raises(RequestFailed, match=words):
            program.histogram(name)


@pytest.mark.parametrize("seed", range(4))
def test_statistics_of_many_pieces(seed: int) -> None:
    from gradstep.engine.values import measures

    torch.manual_seed(seed)
    tensor = torch.randn(3 * measures.PIECE + 17) * 10 ** (seed - 2) + seed
    tensor[::97] = 0
    if seed % 2:
        tensor[5], tensor[measures.PIECE + 1] = math.nan, -math.inf
    finite = tensor[tensor.isfinite()].double()
    found = measures.statistics(tensor)
    assert (found.count, found.finite) == (tensor.numel(), finite.numel())
    assert found.zeros == int((tensor == 0).sum())
    assert (found.nan, found.inf) == ((1, 1) if seed % 2 else (0, 0))
    assert (found.minimum, found.maximum) == (finite.min(), finite.max())
    assert found.mean == pytest.approx(float(finite.mean()), rel=1e-12, abs=1e-15)
    assert found.std == pytest.approx(float(finite.std(correction=0)), rel=1e-12)
    assert found.norm == pytest.approx(float(finite.norm()), rel=1e-12)


def test_axes(opened: Open) -> None:
    program = opened(ADAM)
    program.forward()
    nodes = {node.name: node for node in program.graph().nodes}
    names = ("batch", "channel", "height", "width")
    assert program.axes(f"#{nodes['conv2d'].id}:0") == Axes(names, "conv2d")
    conv = ("output channel", "input channel", "height", "width")
    assert program.axes("conv.weight") == Axes(conv, "Conv2d")
    assert program.axes("out.weight") == Axes(("output", "input"), "Linear")
    assert program.axes(f"#{nodes['relu'].id}:0") == Axes(("",) * 4)


# ---------------------------------------------------------------------- beside it


def test_state_of_the_owner(opened: Open) -> None:
    program, truth = opened(ADAM), plain(ADAM)
    before = program.optimizer("conv.weight")
    assert before is not None and before.state == () and "first step" in before.note
    for sample in range(2):
        program.iteration()
        phases(truth, sample)
    for name, group in (("conv.weight", 0), ("out.bias", 1)):
        parameter = dict(truth.model.named_parameters())[name]
        found = program.optimizer(name)
        assert found is not None and (found.optimizer, found.group, found.groups) == (
            "Adam",
            group,
            2,
        )
        kept = {beside.name: beside for beside in found.state}
        for key, tensor in truth.optimizer.state[parameter].items():
            assert program.value(f"{name} @ {key}").data == tensor.tolist()
            assert kept[key].info is not None and kept[key].info.ref == f"{name} @ {key}"
            assert program.statistics(f"{name} @ {key}").norm == pytest.approx(float(tensor.norm()))
        assert kept["step"].number == 2.0
        options = {beside.name: beside for beside in found.options}
        plainly = truth.optimizer.param_groups[group]
        assert options.keys() == plainly.keys() - {"params"}
        assert options["lr"].number == plainly["lr"] and options["betas"].text == "(0.9, 0.999)"
    assert program.optimizer("x") is None
    with pytest.raises(RequestFailed, match="No value"):
        program.value("conv.weight @ momentum_buffer")


@pytest.mark.sweep
def test_every_optimizer_of_torch(opened: Open) -> None:
    program, truth = opened(KINDS), runpy.run_path(str(KINDS))
    assert program.run().reason is Reason.END
    for kind, optimizer in truth["optimizers"].items():
        found = program.optimizer(f"p_{kind}")
        assert found is not None and found.optimizer == kind
        state = optimizer.state[truth[f"p_{kind}"]]
        assert [beside.name for beside in found.state] == list(map(str, state))
        for beside, value in zip(found.state, state.values(), strict=True):
            if isinstance(value, Tensor):
                assert program.value(f"p_{kind} @ {beside.name}").data == value.tolist()
            elif isinstance(value, (int, float)):
                assert beside.number == value


def test_plain_gradient_descent(opened: Open) -> None:
    found = opened(BY_HAND).optimizer("w")
    assert found is not None and found.optimizer == "" and found.options[0].number == 0.125


def test_saved_tensors_live_until_backward(opened: Open) -> None:
    program = opened(BY_HAND)
    program.forward()
    nodes = {node.name: node for node in program.graph().nodes}
    ref = f"#{nodes['exp'].id}:0"
    (result,) = program.saved(ref)
    assert (result.node, result.name, result.life) == ("ExpBackward0", "result", Life.ALIVE)
    w, x = torch.tensor([1.0, -2.0, 4.0]).double(), torch.tensor([0.5, 0.25, 0.125]).double()
    mask = torch.tensor([True, False, True])
    assert result.info is not None
    assert program.value(result.info.ref).data == (w * x * mask).exp().tolist()
    # The tensor of the product is gone, its node is not.
    product = max(n.id for n in program.graph().nodes if n.name == "mul" and n.id < nodes["exp"].id)
    (other,) = program.saved(f"#{product}:0")
    assert (other.name, other.life, other.version) == ("other", Life.ALIVE, 0)
    assert other.info is not None and program.value(other.info.ref).data == mask.tolist()
    program.backward()
    assert [s.life for s in program.saved(ref)] == [Life.FREED]
    with pytest.raises(RequestFailed):
        program.value(result.info.ref)


# ---------------------------------------------------------------------- what it was


def test_change_since_the_last_stop_and_iteration(opened: Open) -> None:
    program, truth = opened(ADAM), plain(ADAM)
    name = "out.weight"
    parameter = dict(truth.model.named_parameters())[name]
    with pytest.raises(RequestFailed, match="Nothing earlier"):
        program.change(name, Since.STOP)
    last: list[Tensor] = []
    for sample in range(2):
        for phase in ("forward", "backward", "update", "zero_grad"):
            program.keep(name, "no such value")
            last.append(parameter.detach().clone())
            grad = None if parameter.grad is None else parameter.grad.clone()
            getattr(program, phase)()
            phases(truth, sample, phase)
            assert program.change(name, Since.STOP) == (parameter.detach() - last[-1]).tolist()
            earlier = {(e.field, e.since): e for e in program.earlier(name)}
            assert earlier["data", Since.STOP].stops == 1
            if parameter.grad is not None and grad is not None:
                change = program.change(name, Since.STOP, "grad")
                assert change == (parameter.grad - grad).tolist()
            elif parameter.grad is not None:
                assert "None then" in earlier["grad", Since.STOP].problem
    # In the second iteration, since the last stop of the first that was kept.
    since = program.change(name, Since.ITERATION)
    assert since == (parameter.detach() - last[3]).tolist()


@pytest.mark.sweep
def test_change_of_whole_numbers_and_of_results(opened: Open) -> None:
    program, truth = opened(BY_HAND), plain(BY_HAND)
    program.keep("counts", "mask")
    program.forward()
    assert program.change("counts", Since.STOP) == [0, 0]
    assert program.change("mask", Since.STOP).dtype == "int64"
    first = truth.forward(0)
    exp = next(n.id for n in program.graph().nodes if n.name == "exp")
    before = truth.prediction.detach().clone()
    program.keep(f"#{exp}:0")
    for phase in ("backward", "update", "zero_grad", "forward"):
        getattr(program, phase)()
    first.backward()
    phases(truth, 0, "update", "zero_grad")
    truth.forward(1)
    again = next(n.id for n in program.graph().nodes if n.name == "exp")
    assert again != exp
    expected = (truth.prediction.detach() - before).tolist()
    assert program.change(f"#{again}:0", Since.ITERATION) == expected


# ---------------------------------------------------------------------- watching


def watched(program: Opened, text: str) -> Any:
    (found,) = program.watch(text)
    return found


def test_expressions(opened: Open) -> None:
    program, truth = opened(BY_HAND), plain(BY_HAND)
    truth.forward(0)
    program.forward()
    program.backward()
    truth.backward()
    w = truth.named_parameters["w"].detach()
    w.grad = truth.named_parameters["w"].grad
    assert watched(program, "w.grad.norm()").number == float(w.grad.norm())
    assert watched(program, "(w - 1).abs().max()").number == float((w - 1).abs().max())
    found = watched(program, "w * 2")
    assert found.info.tensor.shape == (3,) and found.number is None
    assert program.value("= w * 2").data == (w * 2).tolist()
    assert program.statistics("= w * 2").mean == pytest.approx(float((w * 2).mean()))
    assert watched(program, "w.shape").text == "torch.Size([3])"
    assert watched(program, "len(mask)").number == 3
    assert watched(program, "iteration").number == 1
    # A local variable of a function that has returned: as it was recorded.
    assert program.value("= prediction").data == truth.prediction.tolist()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("leaf.grade", "AttributeError"),
        ("leaf +", "No Python expression"),
        ("nothing_here", "NameError"),
        ("leaf @ torch.ones(3, 2)", "RuntimeError: mat1 and mat2"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("leaf.data.add_(1)", "add_ would change"),
        ("leaf.detach().zero_()", "zero_ would change"),
        ("torch.add(leaf, 1, out=leaf.data)", "add would change"),
        ("torch.autograd.backward(result.sum())", "would run backward"),
    ],
)
def test_what_goes_wrong_is_told_in_its_place(
    values: tuple[Opened, dict[str, Tensor]], text: str, words: str
) -> None:
    program, truth = values
    bad, good = program.watch(text, "leaf.sum()")
    assert words in bad.problem, bad.problem
    assert good.number == float(truth["leaf"].detach().sum()) and not good.problem


def test_a_watch_may_write_into_what_it_makes(values: tuple[Opened, dict[str, Tensor]]) -> None:
    program, truth = values
    assert watched(program, "leaf.clone().mul_(3).sum()").number == float(
        truth["leaf"].detach().sum() * 3
    )


@pytest.mark.sweep
def test_watching_draws_no_random_numbers(opened: Open) -> None:
    texts = []
    for watches in ((), ("torch.rand(5).sum()", "__import__('random').random()", "w.sum()")):
        program = opened(ADAM)
        for _ in range(2):
            program.iteration()
            for text in watches:
                watched(program, text)
        program.iteration()
        texts.append([program.value(n).data.bytes for n in ("conv.weight", "out.weight")])
        texts[-1].append(program.watch("torch.initial_seed(), torch.rand(1)")[0].text)
        program.close()
    assert texts[0] == texts[1]


@pytest.mark.sweep
def test_what_changed_since_the_last_stop(opened: Open) -> None:
    program = opened(BY_HAND)
    names = ("w", "w.sum()", "mask", "w.grad", "iteration")
    first = program.watch(*names)
    assert [f.changed for f in first] == [None] * 5
    assert [f.changed for f in program.watch(*names)] == [None] * 5, "at the same stop"
    program.forward()
    assert [f.changed for f in program.watch(*names)][:3] == [False, False, False]
    program.backward()
    grad = program.watch(*names)[3]
    assert grad.info is not None and grad.changed is not False
    program.update()
    found = {f.expression: f.changed for f in program.watch(*names)}
    assert (found["w"], found["w.sum()"], found["mask"], found["w.grad"]) == (
        True,
        True,
        False,
        False,
    )
    again = {f.expression: f.changed for f in program.watch(*names)}
    assert again == found, "asked again at the same stop"


# ---------------------------------------------------------------------- changing


def test_an_edited_parameter_goes_on(opened: Open) -> None:
    program, truth = opened(BY_HAND), plain(BY_HAND)
    w = truth.named_parameters["w"]
    edited = program.edit("w", "0.1", index=(1,))
    assert (edited.old, edited.new, edited.note) == ("-2.0", "0.1", "")
    with torch.no_grad():
        w[1] = 0.1
    program.iteration()
    phases(truth, 0)
    assert program.value("w").data == w.tolist()
    assert program.edit("w @ lr", "0.5").old == "0.125"
    truth.learning_rate = 0.5
    program.iteration()
    phases(truth, 1)
    assert program.value("w").data == w.tolist()
    assert program.edit("w", edited.old, index=(1,)).new == "-2.0", "what undo does"


@pytest.mark.sweep
def test_edits_of_samples_options_and_moments(opened: Open) -> None:
    program, truth = opened(ADAM), plain(ADAM)
    program.forward()
    x = next(
        n for n in program.graph().nodes if n.kind == "data" and n.tensor.shape == (4, 1, 8, 8)
    )
    program.edit(f"#{x.id}:0", "7", index=(2, 0, 3, 3))
    truth.data[0][0][2, 0, 3, 3] = 7
    program.forward()
    phases(truth, 0, "forward")
    program.backward()
    program.update()
    program.edit("out.weight @ exp_avg", "0.25", index=(0, 5))
    program.edit("out.weight @ lr", "0.5")
    phases(truth, 0, "backward", "update", "zero_grad")
    with torch.no_grad():
        truth.optimizer.state[truth.model.out.weight]["exp_avg"][0, 5] = 0.25
    truth.optimizer.param_groups[1]["lr"] = 0.5
    program.zero_grad()
    program.iteration()
    phases(truth, 1)
    for name, parameter in truth.model.named_parameters():
        assert program.value(name).data == parameter.tolist(), name


def test_pytorch_refuses_a_backward_that_needs_what_was_there(opened: Open) -> None:
    program, truth = opened(ADAM), plain(ADAM)
    program.forward()
    assert "forward again" in program.edit("out.weight", "5", index=(0, 0)).note
    refused = program.backward()
    assert refused.reason is Reason.REFUSED and refused.failure is not None
    assert "inplace" in refused.failure.message
    with torch.no_grad():
        truth.model.out.weight[0, 0] = 5
    program.forward()
    program.backward()
    phases(truth, 0, "forward", "backward")
    assert program.value("conv.weight").grad == truth.model.conv.weight.grad.tolist()


@pytest.mark.parametrize(
    ("name", "value", "index", "words"),
    [
        ("w", "", (0,), "no number"),
        ("w", "two", (0,), "no number"),
        ("w", "1", (3,), "no place"),
        ("w", "1", (), "no place"),
        ("counts", "1.5", (0,), "no whole number"),
        ("counts", "40000", (0,), "-32768 to 32767"),
        ("mask", "maybe", (0,), "True or False"),
        ("w @ lr", "fast", (), "no number"),
        ("w @ momentum", "1", (), "no momentum"),
    ],
)
def test_what_cannot_be_written(
    hand: Opened, name: str, value: str, index: tuple[int, ...], words: str
) -> None:
    before = hand.value(name.partition(" ")[0]).data
    with pytest.raises(RequestFailed, match=words):
        hand.edit(name, value, index=index)
    assert hand.value(name.partition(" ")[0]).data == before


@pytest.fixture(scope="module")
def hand() -> Iterator[Opened]:
    with gradstep.open(BY_HAND, timeout=PATIENCE) as debuggee:
        yield Opened(debuggee)


def test_edits_of_other_types(hand: Opened) -> None:
    program = hand
    program.edit("counts", "-7", index=(1,))
    program.edit("mask", "True", index=(1,))
    program.edit("w", "\N{MINUS SIGN}inf", index=(2,))
    assert program.value("counts").data == [1, -7] and program.value("mask").data == [True] * 3
    assert program.value("w").data == [1.0, -2.0, -math.inf]
    for name, text, index in (("counts", "2", 1), ("mask", "False", 1), ("w", "4", 2)):
        program.edit(name, text, index=(index,))


def test_scripts_results_and_backward_are_not_edited(opened: Open) -> None:
    script = opened(VALUES)
    script.run()
    with pytest.raises(RequestFailed, match="Only an experiment"):
        script.edit("float32", "1", index=(0,))
    program = opened(BY_HAND)
    program.forward()
    exp = next(n.id for n in program.graph().nodes if n.name == "exp")
    with pytest.raises(RequestFailed, match="computed"):
        program.edit(f"#{exp}:0", "1", index=(0,))
    program.step()
    with pytest.raises(RequestFailed, match="under way"):
        program.edit("w", "1", index=(0,))
