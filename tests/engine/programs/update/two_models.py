"""Two models, two optimizers, phases interleaved: Z Z F B B U U."""

# phases: zero_grad zero_grad forward backward backward update update; iterations: 3

import torch
from digest import show
from torch import nn

torch.manual_seed(21)
actor, critic = nn.Linear(3, 2), nn.Linear(3, 1)
actor_optim = torch.optim.Adam(actor.parameters(), lr=1e-3)
critic_optim = torch.optim.SGD(critic.parameters(), lr=1e-2)
for episode in range(3):
    obs, ret = torch.randn(6, 3), torch.randn(6)
    actor_optim.zero_grad()  # @zero_grad
    critic_optim.zero_grad()  # @zero_grad
    value = critic(obs).squeeze(1)  # @forward
    dist = torch.distributions.Categorical(logits=actor(obs))  # @forward
    advantage = ret - value.detach()
    actor_loss = -(dist.log_prob(dist.sample()) * advantage).mean()  # @forward
    critic_loss = nn.functional.smooth_l1_loss(value, ret)  # @forward
    actor_loss.backward()  # @backward
    critic_loss.backward()  # @backward
    actor_optim.step()  # @update
    critic_optim.step()  # @update
    print(f"{episode:3d} actor {actor_loss:.6f} critic {critic_loss:.6f}")
show([actor.state_dict(), critic.state_dict(), actor_optim.state_dict()])
