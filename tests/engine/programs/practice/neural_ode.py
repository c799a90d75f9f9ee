"""A neural ordinary differential equation with an adjoint of its own, over a flat copy of the
parameters."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(2, 8), nn.Linear(8, 2)

    def forward(self, z):
        return self.outer(torch.tanh(self.inner(z)))


class Solve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, field, flat):
        ctx.field, ctx.states = field, [z]
        for _ in range(4):
            z = z + 0.25 * field(z)
            ctx.states.append(z)
        return z

    @staticmethod
    def backward(ctx, adjoint):
        parameters = tuple(ctx.field.parameters())
        total = [torch.zeros_like(p) for p in parameters]
        for state in reversed(ctx.states[:-1]):
            with torch.enable_grad():
                z = state.detach().requires_grad_(True)
                after = z + 0.25 * ctx.field(z)
                adjoint, *found = torch.autograd.grad(after, (z, *parameters), adjoint)
            total = [a + b for a, b in zip(total, found, strict=True)]
        return adjoint, None, torch.cat([g.reshape(-1) for g in total])


torch.manual_seed(7)
field = Field()
optimizer = torch.optim.RMSprop(field.parameters(), lr=1e-2)
z0, target = torch.randn(3, 2), torch.randn(3, 2)
for step in range(4):
    optimizer.zero_grad()  # @zero_grad
    flat = torch.cat([p.reshape(-1) for p in field.parameters()])  # @forward
    loss = (Solve.apply(z0, field, flat) - target).abs().mean()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print(step, loss.item())
show(list(field.parameters()))
