"""A second graph: loss = (x·w − y)² at x = 2, y = 4, w = 1."""

import torch

import gradstep

x = torch.tensor(2.0)
y = torch.tensor(4.0)
w = torch.tensor(1.0, requires_grad=True)


def model(x):
    return x * w


def loss_fn(y_pred, y):
    r = y_pred - y
    return r**2


def experiment():
    return gradstep.Experiment(
        model,
        loss=loss_fn,
        parameters={"w": w},
        learning_rate=0.01,
        data=[(x, y)],
        title="loss = (x·w − y)²",
    )


if __name__ == "__main__":
    loss = loss_fn(model(x), y)
    loss.backward()
    print("loss =", loss.item(), "  dloss/dw =", w.grad.item())
