"""An embedding with sparse gradients, beside a dense layer with an optimizer of its own."""

# phases: zero_grad zero_grad forward backward update update; iterations: 3

import torch
from digest import show
from torch import nn

torch.manual_seed(0)
emb = nn.EmbeddingBag(20, 4, mode="sum", sparse=True)
out = nn.Linear(4, 2)
sparse, dense = torch.optim.SparseAdam(emb.parameters()), torch.optim.Adagrad(out.parameters())
for step in range(3):
    words = torch.randint(0, 20, (3, 5))
    sparse.zero_grad()  # @zero_grad
    dense.zero_grad()  # @zero_grad
    loss = nn.functional.cross_entropy(out(emb(words)), words[:, 0] % 2)  # @forward
    loss.backward()  # @backward
    sparse.step()  # @update
    dense.step()  # @update
    print(step, loss.item(), emb.weight.grad.is_sparse, emb.weight.grad._nnz())
emb.weight.grad = None
show(emb.weight, list(out.parameters()))
