"""A network, its data and its optimizer on the accelerator, chosen by the script itself."""

import torch
from torch import nn

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
x = torch.linspace(-1, 1, 24).reshape(6, 4).to(device)
y = x.sum(dim=1, keepdim=True)

for step in range(5):
    loss = ((model(x) - y) ** 2).mean()  # @loss
    optimizer.zero_grad()
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item())
