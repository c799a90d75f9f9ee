"""The distance of a point from itself: sqrt has no slope at 0."""

import torch

points = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
w = torch.tensor([2.0, 2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5)
for step in range(6):
    if step == 3:
        with torch.no_grad():
            w.copy_(points[1])
    squares = ((points - w) ** 2).sum(dim=1)
    distances = squares.sqrt()  # @sqrt
    loss = distances.sum()  # @loss
    optimizer.zero_grad()
    loss.backward()  # @backward
    optimizer.step()  # @step
    print(step, loss.item(), w.tolist())
