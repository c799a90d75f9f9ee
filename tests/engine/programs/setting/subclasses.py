"""A tensor subclass with ``__torch_function__``, and nested tensors, in a training loop."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show
from torch import nn


class Named(torch.Tensor):
    """Remembers a name."""

    calls = 0

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls += 1
        return super().__torch_function__(func, types, args, kwargs or {})


torch.manual_seed(0)
layer = nn.Linear(3, 3)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
for step in range(3):
    x = torch.randn(4, 3).as_subclass(Named)
    ragged = torch.nested.nested_tensor([torch.randn(2, 3), torch.randn(5, 3)])
    optimizer.zero_grad()  # @zero_grad
    loss = layer(x).square().mean()  # @forward
    padded = torch.nested.to_padded_tensor(layer(ragged), 0.0)  # @forward
    loss = loss + padded.sin().sum()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, type(loss).__name__, loss.item(), Named.calls)
show(list(layer.parameters()))
