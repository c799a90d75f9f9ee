"""An experiment whose square root has no slope at 0."""

import torch

import gradstep

w = torch.tensor(3.0, requires_grad=True)


def experiment():
    return gradstep.Experiment(
        lambda x: torch.sqrt(w * x),  # @sqrt
        loss=lambda y_pred, y: (y_pred - y) ** 2,
        parameters={"w": w},
        learning_rate=0.01,
        data=[(1.0, 2.0), (2.0, 4.0), (0.0, 6.0)],
        epochs=2,
    )
