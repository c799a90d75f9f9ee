"""Prediction and loss first, then clear, backward, step."""

# phases: forward zero_grad backward update; iterations: 5

import torch
from digest import show

torch.manual_seed(0)
x = torch.linspace(-3, 3, 200)
xx = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for t in range(5):
    y_pred = model(xx)  # @forward
    loss = loss_fn(y_pred, torch.sin(x))  # @forward
    print(t, loss.item())
    optimizer.zero_grad()  # @zero_grad
    loss.backward()  # @backward
    optimizer.step()  # @update
linear_layer = model[0]
print(f"y = {linear_layer.bias.item()} + {linear_layer.weight[:, 0].item()} x")
show(list(model.parameters()), optimizer.state_dict())
