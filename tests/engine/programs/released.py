"""Says which tensors are alive, at every place where plain Python would have let them go."""

# phases: forward backward update zero_grad; iterations: 3

import gc
import weakref

import torch
from torch import nn

gc.disable()  # what goes must go by itself
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
watched = {}


def watch(**tensors):
    for name, tensor in tensors.items():
        watched[name] = weakref.ref(tensor)
        watched[f"{name}'s memory"] = weakref.ref(tensor.untyped_storage())


def tell(where):
    print(where, *(name for name, ref in watched.items() if ref() is not None))


for _ in range(3):
    x = torch.randn(16, 4)
    hidden = model[1](model[0](x))
    y_pred = model[2](hidden)
    loss = y_pred.square().mean()
    watch(x=x, hidden=hidden, y_pred=y_pred, loss=loss)
    tell("forward")
    del hidden, y_pred
    tell("deleted")
    loss.backward()
    watch(grad=model[0].weight.grad)
    tell("backward")
    optimizer.step()
    optimizer.zero_grad()
    tell("cleared")
    del loss, x
    tell("end")
