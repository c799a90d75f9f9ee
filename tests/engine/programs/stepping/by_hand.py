"""One loop, no module: updates and zeroing by hand."""

import torch

w = torch.tensor([1.0, -2.0], requires_grad=True)
x = torch.tensor([0.5, 3.0])
for i in range(6):  # @loop
    y = w * x  # @mul
    loss = torch.log(1 + (y - 1) ** 2).sum()  # @loss
    loss.backward()  # @backward

    # nothing runs here  # @nothing
    w.data = w.data - 0.4 * w.grad  # @update
    print(i, loss.item())  # @print
    w.grad = None  # @zero
