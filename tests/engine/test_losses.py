"""Which loss is which, and where epochs begin: against what the program itself prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from gradstep.protocol.trace import Level, Losses
from tests.engine.programs_under_test import Opened

HEAD = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x, y = torch.randn(12, 3), torch.randn(12, 1)
g, d = nn.Linear(3, 1), nn.Linear(3, 1)
og, od = torch.optim.SGD(g.parameters(), 0.1), torch.optim.Adam(d.parameters(), 0.1)

def tell(name, loss):
    print(name, loss.item())
"""
# The loop of the epochs is a function's; two losses take turns, a third has no name.
GAN = (
    HEAD
    + """
class Scaler:
    def scale(self, loss):
        return 4 * loss

def main():
    scaler = Scaler()
    train = DataLoader(TensorDataset(x, y), batch_size=4, shuffle=True)
    valid = DataLoader(TensorDataset(x, y), batch_size=6)
    for epoch in range(3):
        for a, b in train:
            print("epoch", epoch)
            od.zero_grad()
            loss_d = (d(a) - b).square().mean()
            scaler.scale(loss_d).backward()
            tell("loss_d", 4 * loss_d)
            od.step()
            og.zero_grad()
            loss_g = (g(a) - b).abs().mean()
            torch.autograd.backward([loss_g])
            tell("loss_g", loss_g)
            penalty = sum(p.square().sum() for p in g.parameters())
            (penalty * 1e-3 + 0 * loss_g.detach()).backward()  # @1
            tell("line @1", penalty * 1e-3)
            og.step()
            for a, b in valid:
                g(a)
main()
"""
)
# The loop of the epochs is the module's; two losses have the same name.
LOOP = (
    HEAD
    + """
for epoch in range(300, 304):
    for i in range(2):
        print("epoch", epoch)
        if i:
            loss = g(x).square().mean()
            tell("loss, line @1", loss)
            loss.backward()  # @1
            og.step()
        else:
            loss = d(x).square().mean()
            tell("loss, line @2", loss)
            (grad,) = torch.autograd.grad(loss, d.weight)  # @2
"""
)


def numbered(text: str) -> str:
    """Each ``line @1`` says the number of the line that ends with ``# @1``."""
    for number, line in enumerate(text.splitlines(), 1):
        if "# @" in line:
            text = text.replace(f"line @{line[-1]}", f"line {number}")
    return text


def by_name(losses: Losses) -> dict[str, list[float]]:
    found = defaultdict(list)
    for value, source in zip(losses.values, losses.sources, strict=True):
        found[losses.names[source]].append(value)
    return found


@pytest.mark.parametrize(
    ("text", "level"),
    [(GAN, Level.RUN), (LOOP, Level.RUN), pytest.param(GAN, Level.PHASE, marks=pytest.mark.sweep)],
)
def test_losses_have_names_and_epochs(
    start: Callable[..., Opened], script: Callable[..., Path], text: str, level: Level
) -> None:
    program = start(script(numbered(text)))
    program.run(level=level)
    losses = program.losses()
    printed, epochs, seen = defaultdict(list), [], None
    for line in program.output.splitlines():
        name, _, value = line.rpartition(" ")
        if name != "epoch":
            printed[name].append(float(value))
        elif value != seen:
            seen = value
            epochs.append(sum(map(len, printed.values())))
    assert by_name(losses) == printed
    assert losses.epochs == tuple(epochs) and len(epochs) > 2
    later = program.losses(since=epochs[1] + 1)
    assert later.first == epochs[1] + 1 and later.epochs == tuple(epochs[2:])
    assert later.values == losses.values[later.first :]
    assert later.sources == losses.sources[later.first :]
