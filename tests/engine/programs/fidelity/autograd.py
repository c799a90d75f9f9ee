"""The corners of autograd, and kernels that differ when somebody watches."""

import copy
import io

import torch
from digest import show
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(3)
encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
x = torch.randn(2, 5, 8)
encoder.eval()
with torch.no_grad():
    show(encoder(x))  # the fast path
with torch.inference_mode():
    print(encoder(x).sum().item())
encoder.train()
encoder(x).sum().backward()
show(list(encoder.parameters()))


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        print("in backward", gradient.sum().item())
        return 3 * x * x * gradient


w = torch.randn(4, requires_grad=True)
Cube.apply(w).sum().backward()
show(w)
w.grad = None
layer = nn.Linear(4, 4)


def stretch(a):
    return torch.tanh(layer(a)) * torch.rand(4)


once = checkpoint(stretch, w, use_reentrant=False) + checkpoint(stretch, w, use_reentrant=True)
once.sum().backward()
show(w, list(layer.parameters()))
with torch.autocast("cpu", dtype=torch.bfloat16):
    half = layer(w)
    half = half @ half
half.float().backward()
show(w, half)
base = torch.randn(3, 4, requires_grad=True)
copied = base * 1
row = copied[1]
row.mul_(2)
copied[0] = row
(copied**2).sum().backward()
show(base)
cubes = (w**3).sum()
cubes.backward(retain_graph=True)
cubes.backward()
(gradient,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
gradient.sum().backward()
show(w)
w.grad.zero_()
doubled = w * 2
seen = []
doubled.register_hook(seen.append)
doubled.retain_grad()
doubled.sum().backward()
show(seen, doubled.grad, w)
matrix = torch.randn(3, 3, requires_grad=True)
torch.linalg.norm(matrix, ord="nuc").backward()
torch.linalg.svdvals(matrix.detach()).sum()
show(matrix, torch.linalg.eigvalsh(matrix.detach()))
factors = torch.randn(5, requires_grad=True)
factors.prod().backward()
show(factors)
signal = torch.randn(1, 3, 8, requires_grad=True)
nn.functional.max_pool1d(signal, 2).sum().backward()
show(signal)
filled = torch.randn(4, requires_grad=True)
filled.masked_fill(filled > 0, torch.tensor(2.0)).sum().backward()
show(filled)
sounds = torch.randn(6, 2, 5).log_softmax(2).requires_grad_()
targets, lengths = torch.tensor([[1, 2], [3, 4]]), (torch.tensor([6, 6]), torch.tensor([2, 2]))
nn.functional.ctc_loss(sounds, targets, *lengths).backward()
show(sounds)
twin = copy.deepcopy(layer)
torch.save(twin.state_dict(), io.BytesIO())
show(list(twin.parameters()))
print(torch.func.jacfwd(lambda x: (x**2).sum())(w.detach()))
print(torch.func.vmap(lambda x: (x * x).sum())(torch.ones(3, 2)))
print(w, w.grad, base[0], [torch.ones(1)])
