"""LBFGS: each update runs its closure, forward and backward in it, as often as it likes."""

# phases: varies; iterations: 3

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
seq = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 1)).double()
criterion = nn.MSELoss()
optimizer = torch.optim.LBFGS(seq.parameters(), lr=0.8, max_iter=4, line_search_fn="strong_wolfe")
data = torch.rand(12, 2, dtype=torch.float64)
target = data.prod(1, keepdim=True)
for i in range(3):
    print("STEP: ", i)

    def closure():
        optimizer.zero_grad()  # @zero_grad
        out = seq(data)  # @forward
        loss = criterion(out, target)  # @forward
        print("loss:", loss.item())
        loss.backward()  # @backward
        return loss

    optimizer.step(closure)  # @update
show(list(seq.parameters()), optimizer.state_dict())
