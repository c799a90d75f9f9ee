"""Values used more than once: each path sends a gradient of its own, and they add up."""

import torch

x = torch.tensor([2.0, -3.0], requires_grad=True)
square = x * x  # @square
total = square + x  # @total
twice = total * 2  # @twice
both = twice + total  # @both
loss = both.sum()  # @loss
unused = x * 100  # @unused
loss.backward()  # @backward
print(x.grad)
a, b = (x * 3).split(1)  # @split
(a * b).backward()  # @second
print(x.grad)
