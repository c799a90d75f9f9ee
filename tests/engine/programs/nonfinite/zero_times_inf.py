"""A weight of nothing for a distance that is infinite."""

import torch

w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
distances = [torch.tensor([1.0, 2.0, 4.0])] * 4 + [torch.tensor([1.0, 0.0, 4.0])]
for step, distance in enumerate(distances):
    weights = (distance > 0).float()
    inverse = w / distance  # @inverse
    weighted = weights * inverse  # @product
    loss = (weighted**2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, f"{loss.item():.6f}")
