"""Two equal weights on the same samples: w.grad is cleared, v.grad never is."""

import torch

import gradstep

w = torch.tensor(1.0, requires_grad=True)
v = torch.tensor(1.0, requires_grad=True)
data = [(torch.tensor(x), torch.tensor(2 * x)) for x in (1.0, 2.0, 3.0)]


def model(x):
    return w * x, v * x


def loss_fn(predicted, y):
    cleared, kept = predicted
    return (cleared - y) ** 2 + (kept - y) ** 2


class OnlyOneCleared(gradstep.Experiment):
    def zero_grad(self):
        w.grad.zero_()


def experiment():
    return OnlyOneCleared(
        model,
        loss=loss_fn,
        parameters={"w": w, "v": v},
        learning_rate=0.05,
        data=data,
        epochs=20,
        title="with and without zero-grad",
    )


if __name__ == "__main__":
    training = experiment()
    training.run(lambda epoch, loss: print("epoch", epoch, "w", w.item(), "v", v.item()))
