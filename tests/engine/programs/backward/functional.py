"""``torch.func``: neither ``.backward()`` nor ``.grad``; parameters are a dictionary of tensors."""

# phases: forward backward update; iterations: 4

import torch
from digest import show
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))
params = {name: p.detach() for name, p in net.named_parameters()}
xs, ys = torch.randn(10, 3), torch.randn(10, 1)


def compute_loss(params, x, y):
    prediction = functional_call(net, params, (x.unsqueeze(0),))  # @forward
    return nn.functional.mse_loss(prediction, y.unsqueeze(0))  # @forward


per_sample = vmap(grad_and_value(compute_loss), in_dims=(None, 0, 0))
for step in range(4):
    grads, losses = per_sample(params, xs, ys)  # @backward
    params = {name: p - 0.1 * grads[name].mean(0) for name, p in params.items()}  # @update
    print(step, losses.mean().item())
show(params)
