"""A mode of its own, a step that raises, a detached branch, a comparison after the update."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Loud(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        print("sees", func)
        return func(*args, **(kwargs or {}))


class Broken(torch.optim.SGD):
    def step(self, closure=None):
        raise RuntimeError("no step today")


w = torch.ones(1, requires_grad=True)
with Loud():
    (w * 2).sum().backward()  # @loud
print("quiet", (w * 3).item())
try:
    Broken([w], lr=0.1).step()
except RuntimeError as error:
    print(error)
optimizer = torch.optim.SGD([w], lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    hidden = w * 3
    loss = (hidden.detach() * w).sum()
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item(), (hidden.argmax() == 0).sum().item())
again = (w * w).sum()
again.backward()
again.backward()  # @refused
