"""Fails by itself in the third iteration."""

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)


def compute(step):
    factor = torch.ones(2 if step < 2 else 3)
    return (w * factor).sum()  # @fails


for step in range(5):
    print("step", step)
    loss = compute(step)  # @calls
    loss.backward()
    w.grad.zero_()
