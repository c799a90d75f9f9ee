"""Trains, and asks to be looked at from two places."""

import sys

import torch

import gradstep

torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def look(i):
    if 2 <= i < 5:
        gradstep.breakpoint()  # @first
    if i == 6:
        gradstep.breakpoint()  # @second


for i in range(8):
    look(i)
    x = torch.randn(4, 2)
    loss = model(x).square().mean()  # @forward
    optimizer.zero_grad()
    loss.backward()  # @backward
    optimizer.step()
    print(i, loss.item().hex(), flush=True)

if "fail" in sys.argv:
    raise ValueError("on purpose")
print(torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack())
