"""Numbers as text: right for their dtype, and honest about rounding."""

from __future__ import annotations

import math
import random
import struct

import numpy as np
import pytest

from gradstep.gui.numbers import (
    align,
    format_bytes,
    format_fixed,
    format_number,
    format_preview,
    format_shape,
    is_special,
)
from gradstep.protocol.values import Preview


@pytest.mark.parametrize(
    ("x", "dtype", "digits", "text"),
    [
        (2.0399999618530273, "float32", 6, "2.04"),
        (2.0399999618530273, "float64", 6, "2.04"),
        (3.841600179672241, "float32", 6, "3.8416"),
        (3.841600179672241, "float32", None, "3.8416002"),
        (0.9999999, "float64", 6, "1.00000"),
        (-200.00001, "float64", 6, "−200.000"),
        (0.05000001, "float64", 6, "0.05"),
        (2.0399999618530273, "float64", None, "2.0399999618530273"),
        (-7.840000152587891, "float32", 6, "−7.84"),
        (-16.228801727294922, "float32", 6, "−16.2288"),
        (7.999998569488525, "float32", 6, "8.00000"),
        (7.999998569488525, "float32", None, "7.9999986"),
        (8.0, "float32", 6, "8"),
        (0.0, "float32", 6, "0"),
        (-0.0, "float32", 6, "−0"),
        (1.4e-5, "float64", 6, "1.4·10⁻⁵"),
        (-8.2e-12, "float64", 6, "−8.2·10⁻¹²"),
        (0.0001, "float64", 6, "0.0001"),
        (65536.0, "float32", 3, "65536"),
        (1e6, "float64", 6, "1·10⁶"),
        (9.99999, "float64", 3, "10.0"),
        (999999.9, "float64", 3, "1.00·10⁶"),
        (0.1, "float16", 6, "0.1"),
        (3.140625, "bfloat16", 6, "3.14"),
        (0.4375, "float8_e4m3fn", 6, "0.44"),
        (1.0, "bfloat16", 6, "1"),
        (math.nan, "float32", 6, "NaN"),
        (math.inf, "float32", 6, "Inf"),
        (-math.inf, "float32", 6, "−Inf"),
        (-3, "int64", 2, "−3"),
        (123456789012, "int64", 3, "123456789012"),
        (1234567890123, "int64", 3, "1.23·10¹²"),
        (1234567890123, "int64", None, "1234567890123"),
        (True, "bool", 6, "True"),
        (1, "bool", 6, "True"),
        (1 - 2j, "complex64", 6, "1−2i"),
        (0.5 + 2j, "complex64", 6, "0.5+2i"),
        (1e300, "float32", 6, "1·10³⁰⁰"),
        (None, "float32", 6, ""),
    ],
)
def test_number(x: complex | None, dtype: str, digits: int | None, text: str) -> None:
    assert format_number(x, dtype, digits) == text


def read_back(text: str) -> float:
    text = text.replace("−", "-").replace("·10", "e")
    return float(text.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


def test_unlimited_text_reads_back_as_the_same_element() -> None:
    source = random.Random(0)
    for _ in range(2000):
        bits = source.getrandbits(32)
        (x,) = struct.unpack("<f", struct.pack("<I", bits))
        if math.isfinite(x):
            assert np.float32(read_back(format_number(x, "float32", None))) == np.float32(x)


def test_limited_text_is_right_to_its_last_digit() -> None:
    source = random.Random(1)
    for _ in range(2000):
        x = source.uniform(-1, 1) * 10 ** source.randint(-20, 20)
        shown = read_back(format_number(x, "float64", 4))
        assert shown == pytest.approx(x, rel=0.5e-3)


def test_bfloat16_text_reads_back() -> None:
    source = random.Random(2)
    for _ in range(2000):
        bits = source.getrandbits(16)
        (x,) = struct.unpack("<f", struct.pack("<I", bits << 16))
        if not math.isfinite(x) or abs(x) < 1e-37:
            continue
        shown = read_back(format_number(x, "bfloat16", None))
        (raw,) = struct.unpack("<I", struct.pack("<f", shown))
        nearest = (raw + 0x7FFF + ((raw >> 16) & 1)) >> 16
        assert nearest == bits


def test_fixed_places() -> None:
    numbers = (1.5, -0.12345, 0.0, 1e-7, -1e-7, 12.0, math.nan, 7)
    assert [format_fixed(x, "float64", 3) for x in numbers] == [
        "1.5",
        "−0.123",
        "0",
        "0.000",
        "−0.000",
        "12",
        "NaN",
        "7",
    ]


def test_shape() -> None:
    assert format_shape((768, 768)) == "768 × 768"
    assert format_shape((3,)) == "3"
    assert format_shape((2, 0, 4)) == "2 × 0 × 4"
    assert format_shape(()) == "scalar"


def test_preview() -> None:
    assert format_preview(None, "float32", "data") == ""
    assert format_preview(Preview((2.0399999618530273,)), "float32", "data") == "2.04"
    assert format_preview(Preview((1.0, -2.0), 2.236, 1.58), "float32", "grad") == "[1, −2]"
    many = Preview(None, norm=18.30412, rms=0.02383)
    assert format_preview(many, "float32", "data") == "0.0238"
    assert format_preview(many, "float32", "grad") == "18.3"
    long = Preview((-1.2345e-9, -2.345e-9, -3.456e-9), norm=4.3e-9, rms=2.5e-9)
    assert format_preview(long, "float32", "data") == "2.5·10⁻⁹"
    assert format_preview(Preview(problem="freed"), "float32", "data") == "freed"
    assert format_preview(Preview(None, math.nan, math.nan), "float32", "data") == "NaN"


def test_bytes() -> None:
    assert [format_bytes(n) for n in (0, 4, 999, 1024, 1536, 2359296, 1023 * 1024)] == [
        "0 B",
        "4 B",
        "999 B",
        "1 KiB",
        "1.5 KiB",
        "2.25 MiB",
        "1 MiB",
    ]
    assert format_bytes(3 * 2**40) == "3 TiB"


def test_aligned_points_stand_below_each_other() -> None:
    texts = align(["3.4018", "−0.0188", "12", "1.4·10⁻⁵", "NaN"])
    assert len({len(text) for text in texts}) == 1
    assert texts[0].index(".") == texts[1].index(".") == texts[3].index(".")
    assert texts[2].rstrip().endswith("12") and len(texts[2].rstrip()) == texts[0].index(".")
    assert align([]) == []


def test_special() -> None:
    assert is_special(math.nan) and is_special(math.inf) and is_special(complex(0, math.inf))
    assert not is_special(1.0) and not is_special(3) and not is_special(None)
