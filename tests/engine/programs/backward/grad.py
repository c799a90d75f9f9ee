"""``torch.autograd.grad`` and an update by hand: there is no ``.grad`` and nothing to clear."""

# phases: forward backward update; iterations: 5

import torch
from digest import show

torch.manual_seed(0)
weights = [torch.randn(3, 8), torch.zeros(8), torch.randn(8, 1), torch.zeros(1)]
for w in weights:
    w.requires_grad_()
x = torch.rand(16, 3)
y = x.prod(1, keepdim=True)


def predict(x, w1, b1, w2, b2):
    return torch.relu(x @ w1 + b1) @ w2 + b2


for it in range(5):
    loss = torch.mean((predict(x, *weights) - y) ** 2)  # @forward
    grads = torch.autograd.grad(loss, weights)  # @backward
    with torch.no_grad():
        for w, g in zip(weights, grads):  # noqa: B905
            w -= 0.05 * g  # @update
    print(it, loss.item())
show(weights)
