"""What a view asks of a value: elements of any type, windows, statistics; or why there are none."""

from __future__ import annotations

import runpy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import gradstep
from gradstep.protocol.messages import RequestFailed
from gradstep.protocol.trace import Reason
from gradstep.protocol.values import Array, Fetched, Preview, ValueKind
from tests.engine.programs_under_test import PATIENCE, PROGRAMS, Opened, marker

FILE = PROGRAMS / "values.py"
PLAIN = "float64 float32 float16 int64 int32 int8 uint8 boolean empty number four transposed"
PLAIN += " strided expanded spoiled nothing_finite large lazy_copy leaf"


@pytest.fixture(scope="module")
def truth() -> dict[str, Tensor]:
    """The same program's tensors, in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nested tensors are a prototype, says torch
        found = runpy.run_path(str(FILE))
    return {k: v for k, v in found.items() if isinstance(v, Tensor)}


@pytest.fixture(scope="module")
def program() -> Iterator[Opened]:
    """At the end of the program; tests only read."""
    with gradstep.open(FILE, timeout=PATIENCE) as debuggee:
        opened = Opened(debuggee)
        assert opened.run().reason is Reason.END
        yield opened


def fetch(program: Opened, ref: str, field: str = "data", **window: Any) -> tuple[Fetched, Array]:
    result, body = program.request("value", Fetched, ref=ref, field=field, **window).result(
        PATIENCE
    )
    return result, Array(result.shape, result.dtype, result.stored, body)


def as_numpy(array: Array) -> np.ndarray[Any, Any]:
    return np.frombuffer(array.bytes, dtype=array.stored).reshape(array.shape)


@pytest.mark.parametrize("name", PLAIN.split())
def test_elements_bit_for_bit(program: Opened, truth: dict[str, Tensor], name: str) -> None:
    tensor = truth[name].detach()
    value = program.value(name)
    assert value.shape == tuple(tensor.shape)
    assert value.dtype == str(tensor.dtype).removeprefix("torch.") == value.data.stored
    assert value.data.bytes == tensor.contiguous().numpy().tobytes()
    if tensor.numel() and not tensor.isnan().any():
        assert value.data == tensor.tolist()
    assert value.info.tensor.bytes == tensor.numel() * tensor.element_size()


def test_types_without_a_number_of_their_own(program: Opened, truth: dict[str, Tensor]) -> None:
    for name in ("bfloat16", "float8"):
        value = program.value(name)
        assert (value.data.dtype, value.data.stored) == (value.dtype, "float32")
        assert value.dtype.startswith(name)
        assert value.data.bytes == truth[name].float().numpy().tobytes()
    for name in ("complex64", "conjugate"):
        value = program.value(name)
        assert value.data == truth[name].resolve_conj().tolist()
    assert program.value("negated").data == truth["negated"].resolve_neg().tolist()


def test_windows_of_four_axes(program: Opened, truth: dict[str, Tensor]) -> None:
    for name in ("four", "transposed", "strided"):
        whole = truth[name]
        found, array = fetch(program, name, index=(1, 2))
        assert found.shape == tuple(whole.shape[2:]) and found.info.tensor.shape == whole.shape
        assert (as_numpy(array) == whole[1, 2].numpy()).all()
        _, array = fetch(program, name, index=(0, 1), rows=(1, 2), columns=(0, 3))
        assert array == whole[0, 1, 1:2, 0:3].tolist()
        _, array = fetch(program, name, index=(1, 1, 1), columns=(1, 3))
        assert array == whole[1, 1, 1, 1:3].tolist()
        _, array = fetch(program, name, index=(1, 1, 1, 1))
        assert array.shape == () and array == whole[1, 1, 1, 1].item()
        _, array = fetch(program, name, index=(0,), rows=(1, 99), columns=(1, 99))
        assert array == whole[0, 1:, :, 1:].tolist()
    _, array = fetch(program, "float32", columns=(1, 3))
    assert array == truth["float32"][1:3].tolist()
    _, array = fetch(program, "large", rows=(298, 310), columns=(0, 2))
    assert array == truth["large"][298:, :2].tolist()
    _, array = fetch(program, "large", rows=(5, 2))
    assert array.shape == (0, 200)
    for index in ((2, 0), (0, 3), (-1,), (0, 0, 0, 0, 0)):
        with pytest.raises(RequestFailed, match=r"ind(ex|ices) ") as refused:
            fetch(program, "four", index=index)
        assert refused.value.problem.kind == "unavailable"


@pytest.mark.parametrize("name", [*PLAIN.split(), "bfloat16", "float8"])
def test_statistics(program: Opened, truth: dict[str, Tensor], name: str) -> None:
    values = truth[name].detach().to(torch.float64)
    finite = values[torch.isfinite(values)]
    found = program.statistics(name)
    assert found.count == values.numel() and found.finite == finite.numel()
    assert found.zeros == int((values == 0).sum())
    assert found.nan == int(values.isnan().sum()) and found.inf == int(values.isinf().sum())
    if not finite.numel():
        assert (found.minimum, found.mean, found.norm) == (None, None, None)
        return
    assert (found.minimum, found.maximum) == (float(finite.min()), float(finite.max()))
    assert found.mean == pytest.approx(float(finite.mean()), rel=1e-12, abs=1e-12)
    assert found.std == pytest.approx(float(finite.std(correction=0)), rel=1e-9, abs=1e-12)
    assert found.norm == pytest.approx(float(finite.norm()), rel=1e-9)


@pytest.mark.parametrize("name", ["sparse", "meta", "nested"])
def test_what_cannot_be_read_says_why(program: Opened, name: str) -> None:
    info = next(v for v in program.values() if v.name == name)
    assert info.data is not None and info.data.elements is None and info.data.problem
    for ask in (program.value, program.statistics):
        with pytest.raises(RequestFailed) as refused:
            ask(name)
        assert refused.value.problem.kind == "unavailable"
        assert refused.value.problem.message


def test_descriptors_of_all_that_is_alive(program: Opened, truth: dict[str, Tensor]) -> None:
    infos = {v.name: v for v in program.values()}
    owned = {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"}
    owned.add("1.num_batches_tracked")
    assert set(infos) == set(truth) | {f"model.{name}" for name in owned}
    for name, tensor in truth.items():
        info = infos[name].tensor
        assert info.dtype == str(tensor.dtype).removeprefix("torch."), name
        assert info.device == str(tensor.device)
        assert info.requires_grad is tensor.requires_grad and info.is_leaf is tensor.is_leaf
        if not tensor.is_nested:
            assert info.shape == tuple(tensor.shape)
    assert infos["number"].data == Preview(elements=(2.5,))
    assert infos["boolean"].data == Preview(elements=(True, False, False, True))
    norm = float(torch.linalg.vector_norm(truth["large"], dtype=torch.float64))
    large = infos["large"].data
    assert large is not None and large.elements is None
    assert large.norm == pytest.approx(norm) and large.rms == pytest.approx(norm / 60000**0.5)
    kinds = ("leaf", "float32", "result", "model.0.weight")
    assert [infos[n].kind for n in kinds] == [
        ValueKind.PARAMETER,
        ValueKind.DATA,
        ValueKind.RESULT,
        ValueKind.PARAMETER,
    ]


def test_gradients_or_why_there_are_none(program: Opened) -> None:
    infos = {v.name: v for v in program.values()}
    assert program.value("leaf").grad == [5.0, 5.0]
    assert infos["leaf"].grad == Preview(elements=(5.0, 5.0))
    reasons = {"unreached": "not reached", "result": "not a leaf", "float32": "does not require"}
    for name, words in reasons.items():
        assert words in infos[name].note and program.value(name).grad is None
        with pytest.raises(RequestFailed, match=words):
            fetch(program, name, "grad")
    with pytest.raises(RequestFailed, match="no field"):
        fetch(program, "leaf", "other")
    for unknown in ("nobody", "#999999:0", "#x", "", "model.9.weight", "__name__"):
        with pytest.raises(RequestFailed) as refused:
            program.value(unknown)
        assert refused.value.problem.kind == "unknown"


def test_reading_changes_nothing(program: Opened, truth: dict[str, Tensor]) -> None:
    """The program reads the state of its random numbers at its end, after what was read before."""
    assert program.value("state").data == int(truth["state"])
    for name in ("large", "lazy_copy", "leaf"):
        first = program.value(name)
        program.statistics(name)
        assert program.value(name).data == first.data


def test_names_inside_a_function_come_first() -> None:
    """Where a function's own ``number`` hides the script's."""
    with gradstep.open(FILE, timeout=PATIENCE) as debuggee:
        program = Opened(debuggee)
        program.backward()
        stop = program.forward()
        assert stop.line == marker(FILE, "inside")
        assert program.value("local").data == [2.0, 4.0]
        assert program.value("number").data == 7
        scopes = {v.name: v.scope for v in program.values()}
        assert (scopes["local"], scopes["number"], scopes["leaf"]) == ("inside", "inside", "")


def test_why_there_is_no_gradient(start: Callable[..., Opened]) -> None:
    """Not reached yet, cleared since, or one of the two where nobody was looking."""
    program = start("hidden_layer.py")
    name = "hidden.weight"
    program.forward()
    assert note(program, name) == "no backward has reached it yet"
    program.backward()
    assert note(program, name) == ""
    program.zero_grad()
    assert note(program, name) == "cleared by zero grad"
    program, file = start("zero_first.py"), "zero_first.py"
    backward = (PROGRAMS / file, marker(file, "backward"))
    program.run_to(*backward)
    assert note(program, "0.weight") == "no backward has reached it yet"
    program.run_to(*backward)
    assert program.stop.iteration == 1
    assert note(program, "0.weight") == "cleared, or not reached yet"


def test_parameters_that_have_no_shape_yet(start: Callable[..., Opened]) -> None:
    """They are told for what they are, and the others all the same."""
    program = start("forward/lazy.py")
    told = set()
    for go in (*[program.step] * 4, program.backward):
        go()
        for value in program.values():
            if value.name in ("head.weight", "weight") and value.data is not None:
                told.add((value.tensor.layout, value.tensor.shape, value.data.problem))
    assert told == {
        ("uninitialized", (), "a lazy module makes it at its first call"),
        ("strided", (1, 3), ""),
    }
    assert program.run().reason is Reason.END


def note(program: Opened, name: str) -> str:
    (info,) = [v for v in program.values() if v.name.endswith(name)]
    return info.note
