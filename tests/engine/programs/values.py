"""Tensors of every kind, all alive at the end."""

import torch
from torch import nn

torch.manual_seed(0)
float64 = torch.randn(3, 4, dtype=torch.float64)
float32 = torch.randn(5)
float16 = torch.randn(2, 3).half()
bfloat16 = torch.randn(2, 3).bfloat16()
float8 = torch.tensor([0.5, -2.0, 448.0]).to(torch.float8_e4m3fn)
int64 = torch.tensor([-(2**62), 0, 2**62])
int32 = torch.tensor([[1, -2], [3, 4]], dtype=torch.int32)
int8 = torch.tensor([-128, 127], dtype=torch.int8)
uint8 = torch.tensor([0, 255], dtype=torch.uint8)
boolean = torch.tensor([[True, False], [False, True]])
complex64 = torch.tensor([1 + 2j, -3.5j])
conjugate = complex64.conj()
negated = conjugate.imag
empty = torch.empty(0, 3)
number = torch.tensor(2.5)
four = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
transposed = four.permute(3, 1, 0, 2)
strided = four[..., ::2]
expanded = torch.tensor([[1.0], [2.0]]).expand(2, 6)
spoiled = torch.tensor([1.0, float("nan"), float("inf"), -float("inf"), 0.0, -3.0])
nothing_finite = torch.full((4,), float("nan"))
large = torch.randn(300, 200)
lazy_copy = torch._lazy_clone(large)

sparse = torch.eye(3).to_sparse()
meta = torch.empty(3, device="meta")
nested = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])

leaf = torch.tensor([1.0, 2.0], requires_grad=True)
unreached = torch.tensor([1.0], requires_grad=True)
result = leaf * 3
result.sum().backward()
model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
state = torch.get_rng_state().sum()


def inside():
    local = leaf.detach() * 2
    number = torch.tensor(7)
    return (leaf * 2).sum().backward() or (local, number)  # @inside


inside()
