"""REINFORCE: the policy acts in an environment, many forwards belong to one update."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show
from torch import nn
from torch.distributions import Categorical


class Walk:
    def reset(self):
        self.at = 0
        return self.state()

    def state(self):
        return torch.tensor([float(self.at), 1.0])

    def step(self, action):
        self.at += 1 if action == 1 else -1
        return self.state(), 1.0 if self.at >= 2 else -0.1, abs(self.at) >= 2


torch.manual_seed(543)
env = Walk()
policy = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(-1))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for i_episode in range(3):
    state, log_probs, rewards, done = env.reset(), [], [], False
    optimizer.zero_grad()  # @zero_grad
    while not done and len(rewards) < 10:
        m = Categorical(policy(state))  # @forward
        action = m.sample()
        log_probs.append(m.log_prob(action))  # @forward
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    R, returns = 0.0, []
    for r in rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    policy_loss = torch.stack(
        [-p * r for p, r in zip(log_probs, returns, strict=True)]
    ).sum()  # @forward
    policy_loss.backward()  # @backward
    optimizer.step()  # @update
    print(f"Episode {i_episode}\tLength {len(rewards)}\tReward {sum(rewards):.2f}")
show(list(policy.parameters()), optimizer.state_dict())
