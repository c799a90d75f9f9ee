"""A first graph: z = w·x at x = 2, w = 3."""

import torch

import gradstep

x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)


def product(x):
    z = w * x
    return z


def experiment():
    return gradstep.Experiment(
        product, parameters={"w": w, "x": x}, learning_rate=0.1, data=[x], title="z = w·x"
    )


if __name__ == "__main__":
    z = product(x)
    z.backward()
    print("z =", z.item(), "  dz/dw =", w.grad.item(), "  dz/dx =", x.grad.item())
