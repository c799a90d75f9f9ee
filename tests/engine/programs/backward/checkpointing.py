"""Checkpoints: forward code runs again during backward. The argument says which kind."""

# phases: zero_grad forward backward update; iterations: 3

import sys

import torch
from digest import show
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

reentrant = sys.argv[1] == "reentrant"
torch.manual_seed(6)


class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.norm, self.lin, self.drop = nn.LayerNorm(n), nn.Linear(n, n), nn.Dropout(0.3)

    def forward(self, x):
        return x + self.drop(torch.tanh(self.lin(self.norm(x))))


embed = nn.Linear(4, 8)
blocks = nn.ModuleList([Block(8) for _ in range(2)])
tail = nn.Sequential(nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 1))
model = nn.ModuleList([embed, blocks, tail])
opt = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(3):
    opt.zero_grad()  # @zero_grad
    h = embed(torch.randn(4, 4))  # @forward
    for block in blocks:
        h = checkpoint(block, h, use_reentrant=reentrant)  # @forward
    loss = checkpoint_sequential(tail, 2, h, use_reentrant=reentrant).square().mean()  # @forward
    loss.backward()  # @backward
    opt.step()  # @update
    print(step, loss.item())
show(list(model.parameters()), opt.state_dict())
