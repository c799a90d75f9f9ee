"""Copied code and saved files give back the same elements."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
import torch

from gradstep.gui.value import codes

BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64, 1: torch.int8}
KINDS = "float64 float32 float16 bfloat16 float8_e4m3fn int64 int8 uint8 bool complex64 complex128"


def made(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    torch.manual_seed(11)
    dtype = getattr(torch, name)
    if dtype is torch.bool:
        return torch.rand(shape) > 0.5
    if not (dtype.is_floating_point or dtype.is_complex):
        return torch.randint(0, 100, shape).to(dtype)
    if dtype.is_complex:
        return torch.randn(shape, dtype=dtype) * 1e3
    spread = torch.randn(shape).double() * 10 ** torch.randint(-3, 3, shape).double()
    return spread.to(dtype)


def stored(tensor: torch.Tensor) -> np.ndarray:
    """As the window gets it."""
    narrow = tensor.dtype in (torch.bfloat16, torch.float8_e4m3fn)
    return (tensor.float() if narrow else tensor).numpy()


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.is_complex():
        a, b = torch.view_as_real(a), torch.view_as_real(b)
    if (a.dtype, a.shape) != (b.dtype, b.shape):
        return False
    kind = BITS[a.element_size()]
    return (a.dtype is torch.bool and bool((a == b).all())) or torch.equal(
        a.contiguous().view(kind), b.contiguous().view(kind)
    )


@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 1, 3), (0, 3)])
@pytest.mark.parametrize("name", KINDS.split())
def test_code_gives_back_the_tensor(name: str, shape: tuple[int, ...]) -> None:
    tensor = made(name, shape)
    again = eval(codes.as_torch(stored(tensor), name), {"torch": torch})
    assert same(again, tensor)
    array = eval(codes.as_numpy(stored(tensor)), {"np": np})
    assert array.dtype == stored(tensor).dtype and array.shape == shape
    assert array.tobytes() == stored(tensor).tobytes()
    loaded = np.load(io.BytesIO(codes.as_npy(stored(tensor))), allow_pickle=False)
    assert loaded.dtype == array.dtype and loaded.shape == shape
    assert loaded.tobytes() == array.tobytes()


def test_special_numbers() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 1e-45, 3.4028235e38, 1 / 3], np.float32)
    again = eval(codes.as_torch(x, "float32"), {"torch": torch})
    assert same(again, torch.from_numpy(x))
    assert eval(codes.as_numpy(x), {"np": np}).tobytes() == x.tobytes()


def test_csv() -> None:
    x = np.array([[[0.1, -2.0], [np.nan, np.inf]], [[1e-9, 3.0], [4.0, 5.0]]], np.float32)
    rows = list(csv.reader(io.StringIO(codes.as_csv(x))))
    assert [row[:2] for row in rows] == [["0", "0"], ["0", "1"], ["1", "0"], ["1", "1"]]
    read = np.array([[float(c) for c in row[2:]] for row in rows], np.float32)
    assert read.tobytes() == x.tobytes()
    assert codes.as_csv(np.array([True, False])) == "True\nFalse\n"
    assert codes.as_csv(np.array(7)) == "7\n"


def test_text() -> None:
    x = np.array([[1.5, -2.0], [0.1, 4.0]], np.float32)
    assert codes.as_text(x, "float32") == "1.5\t-2\n0.1\t4"
    assert codes.as_text(np.array(-3), "int64") == "-3"
