"""Two affine layers with a sigmoid between: W₂ σ(W₁x + b₁) + b₂, trained by SGD."""

import torch
from torch import nn

import gradstep


class TwoLayers(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 3)
        self.output = nn.Linear(3, 1)

    def forward(self, x):
        h = torch.sigmoid(self.hidden(x))
        return self.output(h)


def experiment():
    torch.manual_seed(0)
    model = TwoLayers()
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    return gradstep.Experiment(
        model,
        loss=nn.MSELoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.5),
        data=[(x, y)],
        epochs=2000,
        title="W₂ σ(W₁x + b₁) + b₂",
    )


if __name__ == "__main__":
    trained = experiment()
    trained.run(lambda epoch, loss: epoch % 500 or print("epoch", epoch, "loss", loss))
