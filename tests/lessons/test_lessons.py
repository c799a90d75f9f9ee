"""Every lesson under plain ``python``; what it prints is computed again without torch.

Numbers of the linear lessons are exact: one float32 operation is the same in double precision,
rounded once (53 bits are more than twice 24 and two).
"""

from __future__ import annotations

import math
import os
import random
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from gradstep.assets import resource

ROOT = Path(__file__).resolve().parents[2]
LESSONS = {
    "accumulation.py",
    "linear.py",
    "linear_by_hand.py",
    "product.py",
    "squared_error.py",
    "two_layers.py",
}
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def printed(lesson: str) -> list[str]:
    """The lines that plain ``python lesson`` prints; nothing on standard error."""
    result = subprocess.run(
        [sys.executable, str(resource("lessons", lesson))],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def f32(number: float) -> float:
    """``number`` rounded to float32."""
    return float(struct.unpack("<f", struct.pack("<f", number))[0])


RATE = f32(0.01)
SAMPLES = ((1.0, 2.0), (2.0, 4.0), (3.0, 6.0))


class Fit:
    """y' = w·x by gradient descent on one sample at a time, in float32."""

    def __init__(self) -> None:
        self.w = 1.0

    def epoch(self) -> Iterator[tuple[float, float, float, float]]:
        """x, y, gradient and loss of each sample; ``w`` is updated after each."""
        for x, y in SAMPLES:
            r = f32(f32(self.w * x) - y)
            gradient = f32(f32(2 * r) * x)
            yield x, y, gradient, f32(r * r)
            self.w = f32(self.w - f32(RATE * gradient))


def test_every_lesson_is_tested() -> None:
    assert {path.name for path in resource("lessons").glob("*.py")} == LESSONS


def test_the_course_s_numbers() -> None:
    """The reference above agrees with what the course prints."""
    fit = Fit()
    assert [g for _, _, g, _ in fit.epoch()] == [-2.0, -7.840000152587891, -16.228801727294922]
    for _ in range(99):
        list(fit.epoch())
    assert f32(fit.w * 4) == 7.999998569488525


def test_linear() -> None:
    fit = Fit()
    expected = ["before training 4 4.0"]
    for epoch in range(1, 101):
        loss = [loss for *_, loss in fit.epoch()][-1]
        expected.append(f"epoch {epoch} loss {loss}")
    expected.append("after training 4 7.999998569488525")
    assert printed("linear.py") == expected


def test_linear_by_hand() -> None:
    fit = Fit()
    expected = ["predict (before training) 4 4.0"]
    for epoch in range(100):
        samples = list(fit.epoch())
        expected += [f"\tgrad: {x} {y} {gradient}" for x, y, gradient, _ in samples]
        expected.append(f"progress: {epoch} {samples[-1][-1]}")
    expected.append("predict (after training) 4 7.999998569488525")
    assert printed("linear_by_hand.py") == expected


def test_accumulation() -> None:
    """Gradient descent on both, the gradient of ``v`` growing, every operation rounded."""
    weights, gradients = [1.0, 1.0], [0.0, 0.0]
    rate = f32(0.05)
    lines = printed("accumulation.py")
    assert len(lines) == 20
    for epoch, line in enumerate(lines, start=1):
        for x, y in SAMPLES:
            for i, w in enumerate(weights):
                r = f32(f32(w * x) - y)
                gradients[i] = f32(gradients[i] + f32(f32(2 * r) * x))
                weights[i] = f32(w - f32(rate * gradients[i]))
            gradients[0] = 0.0
        assert line == f"epoch {epoch} w {weights[0]} v {weights[1]}"


def test_product() -> None:
    x, w = Fraction(2), Fraction(3)
    (line,) = printed("product.py")
    assert [Fraction(text) for text in NUMBER.findall(line)] == [w * x, x, w]


def test_squared_error() -> None:
    x, y, w = Fraction(2), Fraction(4), Fraction(1)
    (line,) = printed("squared_error.py")
    r = x * w - y
    assert [Fraction(text) for text in NUMBER.findall(line)] == [r * r, 2 * r * x]
    assert 2 * r * x == -8


class TwoLayers:
    """W₂ σ(W₁x + b₁) + b₂ on plain Python floats, gradients by hand."""

    def __init__(self, w1: list[list[float]], b1: list[float], w2: list[float], b2: float) -> None:
        self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2

    def step(self, data: list[tuple[list[float], float]], rate: float) -> float:
        """One step of gradient descent on the mean squared error; the loss before it."""
        count, width = len(data), len(self.b1)
        dw1 = [[0.0, 0.0] for _ in range(width)]
        db1, dw2, db2, loss = [0.0] * width, [0.0] * width, 0.0, 0.0
        for x, y in data:
            h = [1 / (1 + math.exp(-(w[0] * x[0] + w[1] * x[1] + b)))
                 for w, b in zip(self.w1, self.b1, strict=True)]  # fmt: skip
            r = sum(w * v for w, v in zip(self.w2, h, strict=True)) + self.b2 - y
            loss += r * r / count
            upstream = 2 * r / count
            db2 += upstream
            for k in range(width):
                dw2[k] += upstream * h[k]
                inner = upstream * self.w2[k] * h[k] * (1 - h[k])
                db1[k] += inner
                for i in range(2):
                    dw1[k][i] += inner * x[i]
        for k in range(width):
            self.w2[k] -= rate * dw2[k]
            self.b1[k] -= rate * db1[k]
            for i in range(2):
                self.w1[k][i] -= rate * dw1[k][i]
        self.b2 -= rate * db2
        return loss


XOR = [([a, b], float(a != b)) for a in (0.0, 1.0) for b in (0.0, 1.0)]


@pytest.fixture(scope="module")
def two_layers() -> list[float]:
    """The losses that the lesson prints."""
    lines = printed("two_layers.py")
    assert [line.split()[1] for line in lines] == ["500", "1000", "1500", "2000"]
    return [float(line.split()[-1]) for line in lines]


def first_weights() -> TwoLayers:
    torch.manual_seed(0)
    one, two = torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)
    return TwoLayers(
        one.weight.tolist(), one.bias.tolist(), two.weight[0].tolist(), two.bias.item()
    )


def test_two_layers_on_plain_floats(two_layers: list[float]) -> None:
    """Float32 and double part ways where the loss leaves its plateau, after epoch 1000."""
    net = first_weights()
    losses = [net.step(XOR, 0.5) for _ in range(1000)]
    assert two_layers[:2] == pytest.approx([losses[499], losses[999]], rel=1e-5)
    assert two_layers[3] < 1e-3


def test_two_layers_on_plain_tensors(two_layers: list[float]) -> None:
    """The same steps without a module, an optimizer or a loss function: bit for bit."""
    net = first_weights()
    w1, b1 = torch.tensor(net.w1), torch.tensor(net.b1)
    w2, b2 = torch.tensor([net.w2]), torch.tensor([net.b2])
    x = torch.tensor([x for x, _ in XOR])
    y = torch.tensor([[y] for _, y in XOR])
    found = []
    for epoch in range(1, 2001):
        parameters = [p.detach().requires_grad_() for p in (w1, b1, w2, b2)]
        w1, b1, w2, b2 = parameters
        h = torch.sigmoid(torch.addmm(b1, x, w1.T))
        loss = ((torch.addmm(b2, h, w2.T) - y) ** 2).mean()
        gradients = torch.autograd.grad(loss, parameters)
        w1, b1, w2, b2 = (p - 0.5 * g for p, g in zip(parameters, gradients, strict=True))
        if epoch % 500 == 0:
            found.append(loss.item())
    assert found == two_layers


def test_the_gradients_by_hand_are_right() -> None:
    """``TwoLayers`` itself against finite differences."""
    spread = random.Random(0).uniform
    w1 = [[spread(-1, 1) for _ in range(2)] for _ in range(3)]
    b1, w2 = [spread(-1, 1) for _ in range(3)], [spread(-1, 1) for _ in range(3)]
    data = [([spread(-1, 1), spread(-1, 1)], spread(-1, 1)) for _ in range(4)]

    def made(change: float = 0.0) -> TwoLayers:
        return TwoLayers(
            [[w1[0][0] + change, w1[0][1]], *[w[:] for w in w1[1:]]], b1[:], w2[:], 0.3
        )

    eps = 1e-6
    slope = (made(eps).step(data, 0) - made(-eps).step(data, 0)) / (2 * eps)
    moved = made()
    moved.step(data, 1.0)
    assert w1[0][0] - moved.w1[0][0] == pytest.approx(slope, rel=1e-6)
