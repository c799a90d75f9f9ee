"""A row of nothing is normalised early, and used much later."""

import torch

torch.manual_seed(0)
table = torch.nn.Embedding(10, 4)
optimizer = torch.optim.SGD(table.parameters(), lr=0.01)
with torch.no_grad():
    table.weight[7] = 0.0
for step in range(80):
    if step % 20 == 1:
        with torch.no_grad():
            rows = table.weight.norm(dim=1, keepdim=True)
            table.weight /= rows  # @normalise
    row = 7 if step == 60 else step % 7
    loss = table(torch.tensor([row])).pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
