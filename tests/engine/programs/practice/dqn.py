"""Deep Q learning with a replay memory and a target network, gradients clipped by value."""

# phases: forward zero_grad backward update; iterations: 6

import random
from collections import deque, namedtuple

import torch
from digest import show
from torch import nn

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward"))


class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super().__init__()
        self.layer1, self.layer2 = nn.Linear(n_observations, 8), nn.Linear(8, n_actions)

    def forward(self, x):
        return self.layer2(torch.relu(self.layer1(x)))


random.seed(0)
torch.manual_seed(0)
policy_net, target_net = DQN(3, 2), DQN(3, 2)
target_net.load_state_dict(policy_net.state_dict())
optimizer = torch.optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
memory = deque(maxlen=50)


def select_action(state):
    if random.random() > 0.3:
        with torch.no_grad():
            return policy_net(state).max(1).indices.view(1, 1)
    return torch.tensor([[random.randrange(2)]])


def optimize_model():
    if len(memory) < 4:
        return
    batch = Transition(*zip(*random.sample(memory, 4), strict=True))
    non_final = torch.tensor([s is not None for s in batch.next_state])
    state_batch, action_batch = torch.cat(batch.state), torch.cat(batch.action)
    state_action_values = policy_net(state_batch).gather(1, action_batch)  # @forward
    next_values = torch.zeros(4)
    with torch.no_grad():
        if non_final.any():
            following = torch.cat([s for s in batch.next_state if s is not None])
            next_values[non_final] = target_net(following).max(1).values
    expected = next_values * 0.99 + torch.cat(batch.reward)
    loss = nn.SmoothL1Loss()(state_action_values, expected.unsqueeze(1))  # @forward
    optimizer.zero_grad()  # @zero_grad
    loss.backward()  # @backward
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)  # @update
    optimizer.step()  # @update
    print(loss.item())


state = torch.randn(1, 3)
for t in range(9):
    action = select_action(state)
    next_state = None if t % 4 == 3 else state * 0.9 + action
    memory.append(Transition(state, action, next_state, torch.tensor([1.0 - t % 2])))
    state = torch.randn(1, 3) if next_state is None else next_state
    optimize_model()
    target_dict, policy_dict = target_net.state_dict(), policy_net.state_dict()
    for key in policy_dict:
        target_dict[key] = policy_dict[key] * 0.05 + target_dict[key] * 0.95
    target_net.load_state_dict(target_dict)
show([policy_net.state_dict(), target_net.state_dict()], optimizer.state_dict())
