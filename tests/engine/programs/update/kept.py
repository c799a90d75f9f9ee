"""An alias of the parameter's memory kept from the start, and written by ``out=``; gradients asked
for at an edge of the graph; a loss of the program's own kind of tensor."""

import torch
from torch.autograd.graph import get_gradient_edge


class Counted(torch.Tensor):
    calls = 0

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls += 1
        return super().__torch_function__(func, types, args, kwargs or {})


w = torch.tensor([1.0, 2.0], requires_grad=True)
memory = w.data
for _ in range(4):
    y = w * 3
    loss = (y * y).sum()
    (upstream,) = torch.autograd.grad(loss, get_gradient_edge(y), retain_graph=True)
    loss.backward()
    print(loss.item(), upstream.tolist())
    torch.sub(memory, 0.01 * w.grad, out=memory)  # @update
    w.grad = None  # @zero_grad
print(w.tolist())
odd = (w * 2).sum().as_subclass(Counted)
odd.backward()
print(w.grad.tolist(), Counted.calls)
