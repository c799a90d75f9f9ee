"""Numbers, signs and words on the graph."""

from __future__ import annotations

import pytest

from gradstep.gui.graph.build import build
from gradstep.gui.graph.describe import describe_item, describe_link
from gradstep.gui.graph.layout.placement import Flow
from gradstep.gui.graph.moment import Index, moment
from gradstep.gui.graph.placing import place_flowing
from gradstep.gui.graph.refs import key_of, place_of, ref_of
from gradstep.gui.graph.symbols import base_name, short, symbol
from gradstep.gui.graph.texts import label, number, tray
from gradstep.gui.whereabouts import Whereabouts
from gradstep.protocol.trace import Change
from gradstep.protocol.values import Preview, TensorInfo
from tests.gui import graphs
from tests.gui.graphs import scalar
from tests.gui.scenes import item, linear, link, model_of

MINUS = "\N{MINUS SIGN}"


# ---------------------------------------------------------------------- what is written


def test_numbers_are_short() -> None:
    float32 = TensorInfo((), "float32", "cpu")
    assert number(scalar(3.841599941253662), float32, "data").text == "3.8416"
    assert number(scalar(-7.840000152587891), float32, "grad").text == f"{MINUS}7.84"
    assert number(None, float32, "grad") is None


def test_small_tensors_show_their_elements_and_large_ones_their_size() -> None:
    three = TensorInfo((3,), "float32", "cpu")
    found = number(scalar(1.0, 2.5, -3.0), three, "data")
    assert found.text.split() == ["[1,", "2.5,", f"{MINUS}3]"] and len(found.lines) == 2
    many = TensorInfo((2, 3), "float32", "cpu")
    assert number(Preview((3.0, 4.0, 0.0, 0.0, 0.0, 0.0)), many, "grad").text == "5"
    assert number(Preview(None, norm=5.0, rms=0.25), many, "grad").measure == "norm"
    assert number(Preview(None, norm=5.0, rms=0.25), many, "data").text == "0.25"
    assert number(Preview(problem="freed"), many, "data").text == "freed"


def test_labels_on_the_lesson() -> None:
    _, scene = linear("mock")
    written = {
        name: label(link(scene, name), scene.items[link(scene, name).source])
        for name in ("w", "x", "y_pred", "r", "loss")
    }
    assert (written["y_pred"].name, written["w"].name, written["loss"].name) == ("y_pred", "", "")
    values = {name: found.value.text for name, found in written.items()}
    assert values == {
        "w": "1.02",
        "x": "2",
        "y_pred": "2.04",
        "r": f"{MINUS}1.96",
        "loss": "3.8416",
    }
    assert written["r"].grad.text == f"{MINUS}3.92" and written["loss"].grad.text == "1"
    assert written["w"].grad is None and not written["w"].no_grad and written["x"].no_grad


def test_the_tray_adds_up() -> None:
    b = graphs.Builder()
    b.param("w", 1.0, grad=scalar(-9.84))
    b.data("x", 2.0)
    b.op("mul", "w^-7.84 x", "z", 2.0)
    b.loss("z", 1.0)
    model = model_of(b.graph())
    scene = build(model)
    change = Change("grad", "w", "w", scalar(-2.0), scalar(-9.84))
    now = moment(scene, graphs.stop(changed=(change,)))
    rows = tray(item(scene, "w"), now, -7.84)
    assert [(row.kind, row.text) for row in rows] == [
        ("term", f"{MINUS}2"),
        ("term", f"+ {MINUS}7.84"),
        ("sum", f"{MINUS}9.84"),
    ]
    wrong = tray(item(scene, "w"), now, -5.0)
    assert [row.kind for row in wrong] == ["grad"], "a sum that does not add up is not shown"


def test_the_tray_after_update_and_zero_grad() -> None:
    model, scene = linear("updated")
    now = moment(scene, model.stop)
    rows = tray(item(scene, "w"), now)
    assert [(r.kind, r.before, r.text, r.changed) for r in rows] == [
        ("grad", "", f"{MINUS}7.84", False),
        ("data", "1.02", "1.0984", True),
    ]
    change = Change("grad", "w", "w", scalar(-7.84), scalar(0.0))
    b = graphs.Builder()
    b.param("w", 1.0, grad=scalar(0.0))
    b.op("exp", "w", "z", 2.7)
    zeroed = build(model_of(b.graph()))
    rows = tray(item(zeroed, "w"), moment(zeroed, graphs.stop(changed=(change,))))
    assert [(r.kind, r.before, r.text) for r in rows] == [("zeroed", f"{MINUS}7.84", "0")]


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("mul", "×"),
        ("MulBackward0", "×"),
        ("mul_", "×"),
        ("aten::mul.Tensor", "×"),
        ("sub", "−"),
        ("add", "+"),
        ("__add__", "+"),
        ("sigmoid", "σ"),
        ("matmul", "@"),
        ("AddmmBackward0", "Wx+b"),
        ("AccumulateGrad", "+="),
        ("no_such_thing", ""),
    ],
)
def test_signs(name: str, sign: str) -> None:
    assert symbol(name) == sign


def test_powers() -> None:
    assert symbol("pow", 2) == "(\u2002)²" and symbol("pow", -1) == "(\u2002)⁻¹"
    assert symbol("pow", 0.5) == "√" and symbol("pow", 2.5) == symbol("pow") == "(\u2002)ⁿ"
    assert base_name("PowBackward0") == "pow"


def test_long_names_lose_their_middle() -> None:
    assert short("model.layers.11.attention.weight", 16) == "model…ion.weight"
    assert short("w", 16) == "w" and len(short("x" * 50, 10)) == 10


# ---------------------------------------------------------------------- refs and words


def test_refs() -> None:
    model, scene = linear("mock")
    product = next(n for n in model.now.nodes.values() if n.name == "mul")
    assert ref_of(item(scene, "w").key, scene) == "w" == ref_of(link(scene, "w").key, scene)
    assert ref_of(item(scene, "mul").key, scene) == f"#{product.id}:0"
    assert ref_of(link(scene, "y_pred").key, scene) == f"#{product.id}:0"
    power = next(n for n in model.now.nodes.values() if n.name == "pow")
    assert ref_of(item(scene, "loss").key, scene) == f"#{power.id}:0"
    index, where = Index(scene), Whereabouts()
    where.add(graphs.linear(2, "mock")[0])
    for text in ("w", "mul", "y"):
        key = item(scene, text).key
        assert key_of(ref_of(key, scene), scene, index, where) == key
    assert key_of("y_pred", scene, index, where) == item(scene, "mul").key, "by the value's name"
    assert key_of("nobody", scene, index, where) == "" == ref_of("nothing", scene)


def test_what_is_expected_cannot_be_asked_for() -> None:
    model = model_of(graphs.linear(1, "backward")[0])
    model.merge(graphs.linear(2, "step 1", first=100)[0])
    scene = build(model)
    assert ref_of(item(scene, "pow").key, scene) == "" == ref_of(link(scene, "r").key, scene)


def test_the_line_of_an_item() -> None:
    _, scene = linear("mock")
    assert place_of(item(scene, "sub").key, scene).line == 13
    assert place_of(item(scene, "w").key, scene).line == 10, "a leaf: where it is used"
    assert place_of(link(scene, "r").key, scene).line == 13


def test_words() -> None:
    model, scene = linear("mock")
    now = moment(scene, model.stop)
    words = describe_item(item(scene, "mul"), scene, now)
    assert words.startswith("mul, operation") and "next, Backward" in words
    assert "backward done" in describe_item(item(scene, "sub"), scene, now)
    words = describe_link(link(scene, "r"), scene)
    assert "r: − → (\u2002)²" in words and f"{MINUS}1.96" in words and f"{MINUS}3.92" in words
    assert "no grad" in describe_link(link(scene, "x"), scene)


def test_everything_in_a_scene_can_be_described() -> None:
    for make in graphs.LESSONS.values():
        graph, stop = make()
        scene = build(model_of(graph))
        now = moment(scene, stop)
        assert all(describe_item(i, scene, now) for i in scene.items.values())
        assert all(describe_link(k, scene) for k in scene.links.values())
        assert place_flowing(scene, Flow.RIGHT).boxes
