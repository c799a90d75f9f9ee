"""A hook in the middle of backward, on one of two branches."""

import torch
from torch import nn

torch.manual_seed(0)
w = torch.tensor([1.0, 2.0], requires_grad=True)
v = torch.tensor([3.0, 4.0], requires_grad=True)


def seen(gradient):
    half = gradient * 0.5  # @hook
    return half * 2


model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = model
        self.last = nn.Linear(2, 1)

    def forward(self, x):
        h = self.inner(x)  # @inner
        stood = 1  # @stood
        return self.last(torch.exp(h)) * stood  # @last


outer = Outer()
for _ in range(3):
    a = torch.exp(w)
    b = torch.sin(v)
    c = a * b
    c.register_hook(seen)
    loss = outer(c.sigmoid()).sum()
    loss.backward()  # @backward
    with torch.no_grad():
        w -= 0.1 * w.grad
        v -= 0.1 * v.grad
    w.grad = v.grad = None
    print(loss.item())
