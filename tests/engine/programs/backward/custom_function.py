"""A custom ``autograd.Function``: a straight-through estimator in a small binary network."""

# phases: zero_grad forward backward update; iterations: 4

import torch
import torch.nn.functional as F
from digest import show


class Binarize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * (input.abs() <= 1).to(grad_output.dtype)


class BinaryLinear(torch.nn.Linear):
    def forward(self, x):
        return F.linear(x, Binarize.apply(self.weight), self.bias)


torch.manual_seed(4)
model = torch.nn.Sequential(BinaryLinear(6, 12), torch.nn.Hardtanh(), BinaryLinear(12, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(4):
    data, target = torch.randn(5, 6), torch.randint(0, 4, (5,))
    optimizer.zero_grad()  # @zero_grad
    loss = F.nll_loss(F.log_softmax(model(data), dim=1), target)  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    print("Train step {} loss {:.7f}".format(step, loss.item()))  # noqa: UP032
show(list(model.parameters()), optimizer.state_dict())
