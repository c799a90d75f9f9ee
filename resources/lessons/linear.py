"""Fit y' = w·x to three points, one sample at a time."""

import torch

import gradstep

xs = torch.tensor([1.0, 2.0, 3.0])
ys = torch.tensor([2.0, 4.0, 6.0])
w = torch.tensor(1.0, requires_grad=True)


def model(x):
    return w * x


def loss_fn(y_pred, y):
    r = y_pred - y
    return r**2


def experiment():
    return gradstep.Experiment(
        model,
        loss=loss_fn,
        parameters={"w": w},
        learning_rate=0.01,
        data=list(zip(xs, ys)),
        epochs=100,
        title="y' = w·x",
    )


if __name__ == "__main__":
    with torch.no_grad():
        print("before training", 4, model(4.0).item())
    experiment().run(lambda epoch, loss: print("epoch", epoch, "loss", loss))
    with torch.no_grad():
        print("after training", 4, model(4.0).item())
