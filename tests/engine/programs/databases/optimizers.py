"""Every optimizer that torch's own tests know, in each of its ways to compute."""

import itertools
import sys
import warnings

import torch
from digests import seed, tell, tensors
from torch import nn
from torch.testing._internal.common_optimizers import optim_db

warnings.simplefilter("ignore")
SETTINGS = 6
WAYS = (
    {}, {"foreach": True}, {"foreach": False}, {"fused": True}, {"capturable": True},
    {"differentiable": True},
)  # fmt: skip


class Network(nn.Module):
    def __init__(self, sparse):
        super().__init__()
        self.table = nn.Embedding(11, 7, sparse=sparse)
        self.body = nn.Sequential(nn.Linear(7, 13), nn.Tanh(), nn.Linear(13, 5))
        self.sparse = sparse

    def forward(self, x):
        embedded = self.table(x)
        return embedded if self.sparse else self.body(embedded)


def train(optimizer_class, options, dtype):
    seed()
    name = optimizer_class.__name__
    model = Network(sparse=name == "SparseAdam").to(dtype)
    parameters = list(model.table.parameters() if model.sparse else model.parameters())
    if name == "Muon":
        parameters = [p for p in parameters if p.dim() == 2]
    optimizer = optimizer_class(parameters, **options)
    x, y = torch.randint(11, (8,)), torch.randn(8, 7 if model.sparse else 5, dtype=dtype)
    losses = []

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        losses.append(loss.detach().clone())
        return loss

    for _ in range(3):
        if name == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0) if not model.sparse else None
            optimizer.step()
    gradients = [p.grad for p in parameters]
    versions = [t._version for t in tensors(parameters, list(optimizer.state.values()))]
    return (
        losses,
        [p.detach() for p in parameters],
        gradients,
        list(optimizer.state.values()),
        torch.tensor(versions),
    )


if __name__ == "__main__":
    part, parts = map(int, sys.argv[1:])
    for info in optim_db[part::parts]:
        for dtype in (torch.float32, torch.bfloat16):
            settings = itertools.islice(info.optim_inputs_func("cpu", dtype), SETTINGS)
            for (i, given), way in itertools.product(enumerate(settings), WAYS):
                name = f"{info.optim_cls.__name__}[{dtype}] #{i} {way}"
                options = {**given.kwargs, **way}
                tell(name, lambda: train(info.optim_cls, options, dtype))  # noqa: B023
