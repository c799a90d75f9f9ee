"""Parameters in a function, updated by hand."""

import torch


def train(told=lambda *event: None):
    torch.manual_seed(0)
    w, b = torch.randn(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    for k in range(5):
        told("before", w, b)
        loss = ((w * (k + 1)).sum() + b - 1) ** 2
        loss.backward()
        told("backward", w, b)
        with torch.no_grad():
            w -= 0.01 * w.grad
        b.data = b.data - 0.01 * b.grad.data
        told("step", w, b)
        w.grad.zero_()
        b.grad = None
    print(w.sum().item(), torch.rand(1).item())


if __name__ == "__main__":
    train()
