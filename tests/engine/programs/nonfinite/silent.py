"""A loss that is NaN while every gradient is finite: anomaly mode says nothing."""

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(5):
    fit = ((w - 3.0) ** 2).sum()
    spread = torch.zeros(3) if step >= 2 else torch.tensor([1.0, 2.0, 3.0])
    ratio = spread.mean() / spread.std()  # @ratio
    loss = fit + ratio
    optimizer.zero_grad()
    loss.backward()  # @backward
    optimizer.step()
    print(step, loss.item(), w.grad.tolist())
