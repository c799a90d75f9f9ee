"""A parameter that a module owns is called by its path, in the graph, among the values and in what
the phase watch finds, however the module's parts are used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gradstep.protocol.values import ValueKind
from tests.engine.programs_under_test import Opened

NET = """
import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 3), nn.Linear(3, 1)])
        self.unused = nn.Linear(1, 1)

    def loss(self, x):
        return self.layers[1](self.layers[0](x).tanh()).square().mean()


class Unregistered(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 3), nn.Linear(3, 1)]

    def forward(self, x):
        return self.layers[1](self.layers[0](x).tanh())


class Agent:
    def __init__(self):
        self.actor, self.critic = nn.Linear(2, 3), nn.Linear(3, 1)
        self.unused = nn.Linear(1, 1)


def given_to_functions(net, x):
    first, second = net.layers
    return F.linear(F.linear(x, first.weight, first.bias), second.weight, second.bias).mean()


torch.manual_seed(0)
{made}
optimizer = torch.optim.SGD({parameters}, 0.1)
x = torch.ones(4, 2)
for _ in range(30):
    loss = {loss}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
WB = ("weight", "bias")
WAYS = {
    "a method": ("net = Net()", "net.parameters()", "net.loss(x)", "layers.{}", "unused"),
    "of two": (
        "left, right = Net(), Net()",
        "[*left.parameters(), *right.parameters()]",
        "left.loss(x) + right.loss(x)",
        "left.layers.{} right.layers.{}",
        "left.unused",
    ),
    "functions": (
        "net = Net()",
        "net.parameters()",
        "given_to_functions(net, x)",
        "layers.{}",
        "unused",
    ),
    "not registered": (
        "net = Unregistered()",
        "[p for layer in net.layers for p in layer.parameters()]",
        "net(x).mean()",
        "layers[{}]",
        "",
    ),
    "with lists of its own": ("net = nn.GRU(2, 3)", "net.parameters()", "net(x)[0].mean()", "", ""),
    "of an object": (
        "agent = Agent()",
        "[p for m in vars(agent).values() for p in m.parameters()]",
        "agent.critic(agent.actor(x)).mean()",
        "agent.actor agent.critic",
        "agent.unused",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_parameters_are_called_by_their_paths(
    start: Callable[..., Opened], script: Callable[[str], Path], way: str
) -> None:
    made, parameters, loss, paths, unused = WAYS[way]
    names = [path.format(n) for path in paths.split() for n in range(2 if "{" in path else 1)]
    wanted = {f"{name}.{part}" for name in names for part in WB}
    wanted |= set() if wanted else {f"{kind}_{of}_l0" for kind in WB for of in ("ih", "hh")}
    text = NET.replace("{made}", made).replace("{parameters}", parameters)
    program = start(script(text.replace("{loss}", loss)))
    program.forward()
    program.backward()
    drawn = [node.name for node in program.graph().nodes if node.kind is ValueKind.PARAMETER]
    assert sorted(drawn) == sorted(wanted)
    listed = {value.name for value in program.values() if value.kind is ValueKind.PARAMETER}
    assert listed >= wanted and "weight" not in listed
    assert {program.value(name).name for name in wanted} == wanted
    program.run()
    told = [finding.text for finding in program.findings if finding.kind == "no_gradient"]
    assert [f"{unused}.weight" in text for text in told] == [True] * bool(unused)
