"""A trainer that hides the loop, in the manner of Lightning: the step's closure is its own."""

# phases: forward zero_grad backward update; iterations: 4

import torch
from digest import show
from torch import nn


class Trainer:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def fit(self, module, loader):
        optimizer = module.configure_optimizers()
        for epoch in range(self.max_epochs):
            for index, batch in enumerate(loader):
                module.train()

                def closure(batch=batch, index=index):
                    loss = module.training_step(batch, index)
                    optimizer.zero_grad()  # @zero_grad
                    loss.backward()  # @backward
                    return loss

                optimizer.step(closure)  # @update
            module.on_train_epoch_end(epoch)
        return optimizer


class LitAutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, 4), nn.ReLU(), nn.Linear(4, 2))
        self.decoder = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 10))
        self.losses = []

    def training_step(self, batch, batch_idx):
        z = self.encoder(batch)  # @forward
        loss = nn.functional.mse_loss(self.decoder(z), batch)  # @forward
        self.losses.append(loss.detach())
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-2)

    def on_train_epoch_end(self, epoch):
        print(f"epoch={epoch} train_loss={torch.stack(self.losses).mean():.6f}")


torch.manual_seed(13)
lit = LitAutoEncoder()
used = Trainer(max_epochs=2).fit(lit, [torch.randn(6, 10) for _ in range(2)])
show(list(lit.parameters()), used.state_dict())
