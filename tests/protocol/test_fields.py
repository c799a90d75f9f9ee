"""Every dataclass that crosses the wire, there and back; every wrong field refused by its path."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradstep.program import Program
from gradstep.protocol import messages, trace, values
from gradstep.protocol.fields import FieldError, call, decode, encode


def _dataclasses(module: types.ModuleType) -> list[type]:
    found = [kind for kind in vars(module).values() if dataclasses.is_dataclass(kind)]
    return [kind for kind in found if kind.__module__ == module.__name__]


# Value holds arrays; it is put together in the window's process and never sent.
KINDS = [k for m in (messages, trace, values) for k in _dataclasses(m) if k is not values.Value]
KINDS.append(Program)
thorough_enough = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
by_name = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
ATOMS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    str: st.text(max_size=8),
    Any: JSON,
    type(None): st.none(),
}


def instances(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation, built without the code under test."""
    arguments, origin = typing.get_args(kind), typing.get_origin(kind)
    if kind in ATOMS:
        return ATOMS[kind]
    if origin in (typing.Union, types.UnionType):
        return st.one_of([instances(option) for option in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(instances(arguments[0]), max_size=1).map(tuple)
    if origin is tuple:
        return st.tuples(*map(instances, arguments))
    if origin is dict:
        return st.dictionaries(st.text(max_size=3), instances(arguments[1]), max_size=2)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert dataclasses.is_dataclass(kind), f"no way to make a {kind}"
    hints = typing.get_type_hints(kind)
    fields = {f.name: st.deferred(lambda t=hints[f.name]: instances(t)) for f in kind_fields(kind)}
    return st.builds(kind, **fields)


def kind_fields(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


def over_the_wire(value: Any) -> Any:
    return json.loads(json.dumps(encode(value)))


@by_name
@thorough_enough
@given(data=st.data())
def test_roundtrip(kind: type, data: st.DataObject) -> None:
    value = data.draw(instances(kind))
    back = decode(kind, over_the_wire(value))
    assert repr(back) == repr(value), "1, 1.0 and True are three things"


@by_name
def test_defaults_may_be_left_out(kind: Any) -> None:
    required = [f for f in kind_fields(kind) if is_required(f)]
    data = {f.name: over_the_wire(example(annotation(kind, f))) for f in required}
    made = decode(kind, data)
    for f in kind_fields(kind):
        if f.default is not dataclasses.MISSING:
            assert getattr(made, f.name) == f.default


@by_name
def test_wrong_types_are_refused_by_path(kind: Any) -> None:
    good = over_the_wire(example(kind))
    for f in kind_fields(kind):
        for wrong in wrong_for(annotation(kind, f)):
            with pytest.raises(FieldError) as caught:
                decode(kind, {**good, f.name: wrong})
            assert str(caught.value).startswith(f.name), f"{f.name} = {wrong!r}"
            with pytest.raises(FieldError, match=r"^a\.b\."):
                decode(kind, {**good, f.name: wrong}, "a.b")


@by_name
def test_missing_and_unknown_fields_are_refused(kind: Any) -> None:
    good = over_the_wire(example(kind))
    for f in kind_fields(kind):
        if is_required(f):
            without = {name: value for name, value in good.items() if name != f.name}
            with pytest.raises(FieldError, match=f"{kind.__name__}: missing field '{f.name}'"):
                decode(kind, without)
    with pytest.raises(FieldError, match=f"{kind.__name__}: unknown field 'more'"):
        decode(kind, {**good, "more": 1})
    for wrong in (None, 1, "x", []):
        with pytest.raises(FieldError, match=kind.__name__):
            decode(kind, wrong)


def is_required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def annotation(kind: Any, f: dataclasses.Field[Any]) -> Any:
    return typing.get_type_hints(kind)[f.name]


def example(kind: Any) -> Any:
    """One valid value, the same every time."""
    simple = {int: 3, float: 0.5, bool: True, str: "text", Any: {"a": [1, None]}}
    arguments, origin = typing.get_args(kind), typing.get_origin(kind)
    if kind in simple:
        return simple[kind]
    if origin in (typing.Union, types.UnionType):
        return example(next(option for option in arguments if option is not type(None)))
    if origin is tuple:
        items = arguments[:1] if arguments[-1] is Ellipsis else arguments
        return tuple(example(item) for item in items)
    if origin is dict:
        return {"key": example(arguments[1])}
    if issubclass(kind, Enum):
        return next(iter(kind))
    return kind(**{f.name: example(annotation(kind, f)) for f in kind_fields(kind)})


EVERYTHING: tuple[Any, ...] = (None, True, False, 1, 1.5, "x", [], [[]], {}, {"x": 1})


def wrong_for(kind: Any) -> list[Any]:
    """JSON values that are not of ``kind``: by hand, not by the code under test."""
    if kind is Any:
        return []
    return [value for value in EVERYTHING if not fits(kind, value)]


def fits(kind: Any, value: Any) -> bool:
    arguments, origin = typing.get_args(kind), typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return any(fits(option, value) for option in arguments)
    if kind is type(None):
        return value is None
    if kind is float:
        return type(value) in (int, float)
    if kind in (int, bool, str):
        return type(value) is kind
    if origin is tuple:
        return value == [] and type(value) is list and arguments[-1] is Ellipsis
    if origin is dict:
        return type(value) is dict and all(fits(arguments[1], item) for item in value.values())
    if dataclasses.is_dataclass(kind):
        return value == {} and not any(is_required(f) for f in kind_fields(kind))
    return kind is Any  # nothing in EVERYTHING is an enum's value


def test_the_oracle_knows_wrong_from_right() -> None:
    assert wrong_for(int) == [None, True, False, 1.5, "x", [], [[]], {}, {"x": 1}]
    assert wrong_for(float | None) == [True, False, "x", [], [[]], {}, {"x": 1}]
    assert wrong_for(tuple[int, ...]) == [None, True, False, 1, 1.5, "x", [[]], {}, {"x": 1}]


@pytest.mark.parametrize(
    ("kind", "data", "path"),
    [
        (values.TensorInfo, {"shape": [1, True], "dtype": "f", "device": "cpu"}, r"shape\[1\]"),
        (trace.Graph, {"iteration": 1, "revision": 1, "reset": True, "nodes": [{}], "edges": []},
         r"nodes\[0\]: missing field"),
        (trace.Stop, {"reason": "step", "place": {"file": "a", "line": "3"}}, r"place\.line"),
        (trace.Stop, {"reason": "never"}, "reason: expected Reason"),
        (messages.Refusal, {"id": 1, "problem": {"kind": "x", "message": 1}}, r"problem\.message"),
    ],
)  # fmt: skip
def test_deep_paths_are_named(kind: Any, data: Any, path: str) -> None:
    with pytest.raises(FieldError, match=f"^{path}"):
        decode(kind, data)


def test_bool_is_not_a_number_and_no_number_a_bool() -> None:
    for kind in (int, float):
        with pytest.raises(FieldError, match="True"):
            decode(kind, True)
    for number in (0, 1, 1.0):
        with pytest.raises(FieldError, match="expected bool"):
            decode(bool, number)


def test_float_takes_a_whole_number_and_int_no_fraction() -> None:
    assert repr(decode(float, 3)) == "3.0"
    with pytest.raises(FieldError, match="expected int"):
        decode(int, 3.0)
    with pytest.raises(FieldError, match="expected float"):
        decode(float, 10**400)


def test_a_union_keeps_what_fits_as_it_is() -> None:
    for number in (1, 1.0, True):
        assert repr(decode(float | int | bool, number)) == repr(number)


def test_numbers_that_json_does_not_have() -> None:
    for number in (math.inf, -math.inf):
        assert decode(float, over_the_wire(number)) == number
    assert math.isnan(decode(float, over_the_wire(math.nan)))


def test_fixed_and_open_tuples() -> None:
    assert decode(tuple[int, str], [1, "a"]) == (1, "a")
    assert decode(tuple[int, ...], []) == ()
    for wrong in ([1], [1, "a", 2], "ab"):
        with pytest.raises(FieldError):
            decode(tuple[int, str], wrong)


def test_lists_and_dicts() -> None:
    assert decode(list[int], [1, 2]) == [1, 2]
    assert decode(dict[str, float], {"a": 1}) == {"a": 1.0}
    with pytest.raises(FieldError, match=r"^x\[1\]"):
        decode(list[int], [1, "2"], "x")
    with pytest.raises(FieldError, match=r"^x\.a"):
        decode(dict[str, int], {"a": "1"}, "x")


def test_only_plain_data_is_sent() -> None:
    for thing in (object(), {1, 2}, b"raw", values.Preview):
        with pytest.raises(TypeError, match="cannot put"):
            encode(thing)


def test_a_long_wrong_value_is_not_quoted_whole() -> None:
    with pytest.raises(FieldError) as caught:
        decode(int, "x" * 10_000)
    assert len(str(caught.value)) < 200


# ---------------------------------------------------------------- calling handlers


class Handlers:
    def positional(self, ref: str, index: tuple[int, ...] = (), level: int | None = None) -> str:
        return f"{ref} {index} {level}"

    def keyword(self, *, id: str, goal: trace.Goal = trace.Goal.RUN) -> str:
        return f"{id} {goal.value}"

    def nothing(self) -> str:
        return "called"

    @staticmethod
    def static(count: int) -> int:
        return count + 1


def test_call_decodes_arguments_and_keeps_defaults() -> None:
    it = Handlers()
    assert call(it.positional, {"ref": "w"}, "p") == "w () None"
    assert call(it.positional, {"ref": "w", "index": [1, 2], "level": 3}, "p") == "w (1, 2) 3"
    assert call(it.keyword, {"id": "cpu"}, "k") == "cpu run"
    assert call(it.keyword, {"id": "cpu", "goal": "step"}, "k") == "cpu step"
    assert call(it.nothing, {}, "n") == "called"
    assert call(it.static, {"count": 1}, "s") == 2


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("positional", {}, "p: missing argument 'ref'"),
        ("positional", {"ref": 1}, "p.ref: expected str"),
        ("positional", {"ref": "w", "index": [True]}, r"p\.index\[0\]: expected int"),
        ("positional", {"ref": "w", "other": 1}, "p: unknown argument 'other'"),
        ("positional", {"ref": "w", "self": 1}, "p: unknown argument 'self'"),
        ("positional", ["w"], "p: expected dict"),
        ("keyword", {}, "p: missing argument 'id'"),
        ("keyword", {"id": "a", "goal": "fly"}, "p.goal: expected Goal"),
        ("nothing", {"return": 1}, "p: unknown argument 'return'"),
        ("static", {}, "p: missing argument 'count'"),
    ],
)
def test_call_refuses_wrong_arguments(name: str, arguments: Any, message: str) -> None:
    with pytest.raises(FieldError, match=f"^{message}"):
        call(getattr(Handlers(), name), arguments, "p")
