"""Reads how far to go, and then divides by it."""

import torch

w = torch.tensor([1.0, 2.0], requires_grad=True)
optimizer = torch.optim.Adam([w], lr=0.1)
for step in range(8):
    print(f"step {step} ⟂", flush=True)
    shift = float(input())
    loss = ((w - 1.0) / shift).sum()  # @divide
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(w.tolist())
