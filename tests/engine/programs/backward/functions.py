"""``torch.autograd.backward`` on two losses at once."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show
from torch import autograd, nn

torch.manual_seed(2)
policy, value = nn.Linear(4, 2), nn.Linear(4, 1)
both = nn.ModuleList([policy, value])
optim = torch.optim.Adam(both.parameters(), lr=0.01)
for update in range(3):
    state = torch.randn(7, 4)
    optim.zero_grad()  # @zero_grad
    policy_loss = -torch.log_softmax(policy(state), -1)[:, 0]  # @forward
    value_loss = value(state).squeeze(-1) ** 2  # @forward
    autograd.backward([policy_loss, value_loss], [torch.ones(7) / 7, torch.ones(7)])  # @backward
    optim.step()  # @update
    print(update, policy_loss.mean().item(), value_loss.mean().item())
show(list(both.parameters()), optim.state_dict())
