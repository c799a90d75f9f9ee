"""A critic with a gradient penalty: the gradient is itself part of the loss (double backward)."""

# phases: zero_grad forward backward forward backward update; iterations: 3

import torch
from digest import show
from torch import nn

torch.manual_seed(11)
critic = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 1))
opt_c = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.0, 0.9))


def gradient_penalty(real, fake):
    eps = torch.rand(real.size(0), 1)
    mixed = (eps * real + (1 - eps) * fake).requires_grad_(True)
    scores = critic(mixed)  # @forward
    grads = torch.autograd.grad(  # @backward
        outputs=scores,
        inputs=mixed,
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        retain_graph=True,
    )[0]
    return ((grads.norm(2, dim=1) - 1) ** 2).mean()  # @forward


for step in range(3):
    real, fake = torch.randn(8, 2) + 2, torch.randn(8, 2)
    opt_c.zero_grad()  # @zero_grad
    distance = critic(fake).mean() - critic(real).mean()  # @forward
    gp = gradient_penalty(real, fake)
    loss = distance + 10 * gp  # @forward
    loss.backward()  # @backward
    opt_c.step()  # @update
    print(f"[{step}] critic {distance.item():+.6f} penalty {gp.item():.6f}")
show(list(critic.parameters()), opt_c.state_dict())
