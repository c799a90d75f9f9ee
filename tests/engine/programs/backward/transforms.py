"""``torch.func`` alone, in the way that the first argument names: no tensor requires grad."""

# phases: forward backward update; iterations: 4

import sys

import torch
from digest import show
from torch.func import functional_call, grad, grad_and_value, stack_module_state, vjp, vmap

way = sys.argv[1]
torch.manual_seed(0)
x, y = torch.randn(8, 3), torch.randn(8)
w = torch.zeros(3)


def loss_of(w):
    return (x @ w - y).square().mean()  # @forward


models = [torch.nn.Linear(3, 1) for _ in range(3)]
several, buffers = stack_module_state(models)
several = {name: p.detach() for name, p in several.items()}


def loss_of_one(params, buffers):
    predicted = functional_call(models[0], (params, buffers), (x,))  # @forward
    return (predicted.squeeze(1) - y).square().mean()  # @forward


ensemble = vmap(grad_and_value(loss_of_one))
for _ in range(4):
    if way == "grad":
        w = w - 0.1 * grad(loss_of)(w)  # @backward @update
    elif way == "in place":
        w -= 0.1 * grad(loss_of)(w)  # @backward @update
    elif way == "vjp":
        loss, back = vjp(loss_of, w)
        (g,) = back(torch.ones(()))  # @backward
        w = w - 0.1 * g  # @update
    elif way == "ensemble":
        grads, _ = ensemble(several, buffers)  # @backward
        several = {name: p - 0.1 * grads[name] for name, p in several.items()}  # @update
show(w, several)
