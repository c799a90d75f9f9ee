"""A small neural ODE: the adjoint solver calls ``autograd.grad`` inside its backward."""

# phases: zero_grad forward backward update; iterations: 3

import torch
from digest import show
from torch import nn


class Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, field, y, steps, *parameters):
        with torch.no_grad():
            for _ in range(steps):
                y = y + field(y) / steps
        ctx.field, ctx.steps = field, steps
        ctx.save_for_backward(y, *parameters)
        return y

    @staticmethod
    def backward(ctx, adjoint):
        y, *parameters = ctx.saved_tensors
        totals = [torch.zeros_like(p) for p in parameters]
        for _ in range(ctx.steps):
            with torch.enable_grad():
                z = y.detach().requires_grad_()
                f = ctx.field(z)
                grads = torch.autograd.grad(f, (z, *parameters), adjoint / ctx.steps)
            y = y - f.detach() / ctx.steps
            adjoint = adjoint + grads[0]
            totals = [t + g for t, g in zip(totals, grads[1:], strict=True)]
        return (None, adjoint, None, *totals)


torch.manual_seed(8)
func = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-3)
y0, y1 = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.5, -1.5]])
for itr in range(3):
    optimizer.zero_grad()  # @zero_grad
    pred_y = Adjoint.apply(func, y0, 5, *func.parameters())  # @forward
    loss = torch.mean(torch.abs(pred_y - y1))  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(f"Iter {itr:04d} | Total Loss {loss.item():.6f}")
show(list(func.parameters()), optimizer.state_dict())
