"""``Array`` against numpy and struct, for every element type that crosses the wire."""

from __future__ import annotations

import math
import struct
from math import prod

import numpy as np
import pytest

from gradstep.protocol.values import FORMATS, Array, TensorInfo

COMPLEX = ("complex64", "complex128")
SHAPES = ((), (1,), (3,), (2, 3), (2, 1, 2), (0,), (0, 3), (2, 0), (2, 0, 3), (2, 3, 0), (2, 0, 0))


def sample(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Elements that differ, extremes among them."""
    count = prod(shape)
    if dtype == "bool":
        return (np.arange(count) % 2 == 0).reshape(shape)
    if dtype in COMPLEX:
        return (np.arange(count) * (1.5 - 0.25j) - 1).astype(dtype).reshape(shape)
    limits = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
    extremes = np.array([limits.max, limits.min], dtype)
    return np.resize(np.concatenate([extremes, np.arange(7).astype(dtype)]), shape)


def array(values: np.ndarray) -> Array:
    name = values.dtype.name
    return Array(values.shape, name, name, values.astype(values.dtype.newbyteorder("<")).tobytes())


def same(ours: object, theirs: object) -> bool:
    """Equal, of equal types at every depth: 1, 1.0 and True are three things."""
    return repr(ours) == repr(theirs)


@pytest.mark.parametrize("dtype", [*FORMATS, *COMPLEX])
def test_reads_what_numpy_wrote(dtype: str) -> None:
    for shape in SHAPES:
        values = sample(dtype, shape)
        made = array(values)
        assert same(made.tolist(), values.tolist()), shape
        assert same(made.flat(), values.reshape(-1).tolist()), shape
        if shape:
            assert same(list(made), values.tolist()), shape
            assert len(made) == len(values), shape
        else:
            assert same(made.item(), values.item())


@pytest.mark.parametrize("dtype", list(FORMATS))
def test_reads_what_struct_wrote(dtype: str) -> None:
    numbers = sample(dtype, (4,)).tolist()
    body = b"".join(struct.pack(f"<{FORMATS[dtype]}", number) for number in numbers)
    assert same(Array((4,), dtype, dtype, body).tolist(), numbers)


@pytest.mark.parametrize("dtype", [*FORMATS, *COMPLEX])
def test_memoryview_has_the_shape(dtype: str) -> None:
    for shape in SHAPES:
        values = sample(dtype, shape)
        view = array(values).memoryview
        if 0 in shape:
            assert view.shape == (0,), "a memoryview has no axis of size 0"
            continue
        assert view.shape == ((*shape, 2) if dtype in COMPLEX else shape)
        read = np.asarray(view)
        if dtype in COMPLEX:
            read = read[..., 0] + 1j * read[..., 1]
        np.testing.assert_array_equal(read, values)


def test_every_float16_survives() -> None:
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    made = array(values)
    np.testing.assert_array_equal(made.tolist(), values.astype(np.float64))
    np.testing.assert_array_equal(np.asarray(made.memoryview), values)


def test_special_numbers() -> None:
    made = Array(
        (4,), "float32", "float32", struct.pack("<4f", math.nan, math.inf, -math.inf, -0.0)
    )
    nan, inf, minus, zero = made.tolist()
    assert math.isnan(nan)
    assert (inf, minus) == (math.inf, -math.inf)
    assert math.copysign(1, zero) == -1


def test_equality() -> None:
    made = array(np.array([[1, 2], [3, 4]], np.int64))
    assert made == [[1, 2], [3, 4]]
    assert made != [[1, 2], [3, 5]]
    assert made != [1, 2, 3, 4]
    assert made == array(np.array([[1, 2], [3, 4]], np.int64))
    assert made != array(np.array([[1, 2], [3, 4]], np.int32)), "another dtype"
    assert made != array(np.array([1, 2, 3, 4], np.int64)), "another shape"
    scalar = array(np.array(-2.0, np.float32))
    assert scalar == -2.0
    assert float(scalar) == -2.0
    assert scalar != "-2.0"
    with pytest.raises(TypeError):
        hash(made)


def test_indexing() -> None:
    made = array(np.arange(6, dtype=np.int16).reshape(2, 3))
    assert made[1] == [3, 4, 5]
    assert made[-1][0] == 3
    assert made[0:1] == [[0, 1, 2]]


def test_one_element_only() -> None:
    assert array(np.array([[7]], np.uint8)).item() == 7
    for values in (np.zeros(2), np.zeros(0)):
        with pytest.raises(ValueError, match="unpack"):
            array(values).item()
    with pytest.raises(TypeError, match="no length"):
        len(array(np.array(1.0)))


def test_wrong_number_of_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"7 bytes for shape \(2,\) of float32, not 8"):
        Array((2,), "float32", "float32", b"\0" * 7)
    with pytest.raises(ValueError, match="not 16"):
        Array((2,), "complex64", "complex64", b"\0" * 8)
    with pytest.raises(ValueError, match="cannot read elements stored as bfloat16"):
        Array((1,), "bfloat16", "bfloat16", b"\0\0")


def test_repr_is_short() -> None:
    assert repr(array(np.array([1.5]))) == "Array([1.5], shape=(1,), dtype=float64)"
    assert repr(array(np.zeros(65))) == "Array(<65 elements>, shape=(65,), dtype=float64)"


def test_numel() -> None:
    assert TensorInfo((2, 3), "float32", "cpu").numel == 6
    assert TensorInfo((), "float32", "cpu").numel == 1
    assert TensorInfo((4, 0), "float32", "cpu").numel == 0
