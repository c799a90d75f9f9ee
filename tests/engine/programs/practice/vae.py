"""A variational autoencoder after PyTorch's example: two losses summed, samples after an epoch."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(12, 8), nn.Linear(8, 2), nn.Linear(8, 2)
        self.fc3, self.fc4 = nn.Linear(2, 8), nn.Linear(8, 12)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))  # @forward
        return self.fc21(h1), self.fc22(h1)  # @forward

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)  # @forward
        return mu + torch.randn_like(std) * std  # @forward

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))  # @forward

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 12))
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 12), reduction="sum")  # @forward
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())  # @forward
    return BCE + KLD  # @forward


torch.manual_seed(1)
loader = [torch.rand(5, 3, 4) for _ in range(2)]
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(2):
    model.train()
    train_loss = 0
    for batch_idx, data in enumerate(loader):
        optimizer.zero_grad()  # @zero_grad
        recon_batch, mu, logvar = model(data)  # @forward
        loss = loss_function(recon_batch, data, mu, logvar)  # @forward
        loss.backward()  # @backward
        train_loss += loss.item()
        optimizer.step()  # @update
        print(f"Epoch {epoch} [{batch_idx}] {loss.item() / len(data):.6f} {logvar.mean():.4f}")
    # Reconstructions for a picture: nobody turned the gradients off.
    picture = torch.cat([data.view(-1, 12)[:2], model(data)[0][:2]]).detach()
    with torch.no_grad():
        sample = model.decode(torch.randn(2, 2)).sum()
    print(f"====> {epoch} {train_loss / 10:.4f} {picture.sum():.5f} {sample:.5f}")
show(list(model.parameters()), optimizer.state_dict())
