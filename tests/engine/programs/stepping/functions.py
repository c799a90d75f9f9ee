"""Custom functions: one kept under a name of its own, one with two results, one that builds a graph
of its own in its forward, one that changes its input in place."""

import torch


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x  # @square_forward

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad  # @square_backward


class Split(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x[:2].clone(), x[2:].clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, low, high):
        return torch.cat([low, high])


class Root(torch.autograd.Function):
    """Solves ``y * y = x`` with gradients on; its backward asks autograd."""

    @staticmethod
    def forward(ctx, x):
        y = torch.ones_like(x)
        for _ in range(8):
            y = y - (y * y - x) / (2 * y)
        with torch.enable_grad():
            ctx.y = y.detach().requires_grad_()
            ctx.square = ctx.y * ctx.y
        return y

    @staticmethod
    def backward(ctx, grad):
        (slope,) = torch.autograd.grad(ctx.square, ctx.y, torch.ones_like(ctx.y), retain_graph=True)
        return grad / slope


class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.clamp_(max=2.0)

    @staticmethod
    def backward(ctx, grad):
        return grad


square = Square.apply
w = torch.tensor([0.5, 1.0, 1.5, 2.0], requires_grad=True)
for _ in range(2):
    h = torch.exp(w)  # @exp
    q = square(h)  # @square
    low, high = Split.apply(q)  # @split
    r = Root.apply(high)  # @root
    c = Clip.apply(low * 1.0)  # @clip
    loss = (c * r).sum()  # @loss
    loss.backward()  # @backward
    with torch.no_grad():
        w -= 0.01 * w.grad  # @update
    w.grad = None
    print(loss.item())
