"""Every optimizer of torch once, all stepped three times; all alive at the end."""

import torch

torch.manual_seed(5)
given = torch.randn(3, 4)


def quadratic(p):
    return ((p - given) ** 2).sum()


optimizers = {}
parameters = {}
for kind, options in (
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("Adam", {}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("RMSprop", {"momentum": 0.5}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("ASGD", {}),
    ("Rprop", {}),
    ("Adafactor", {}),
):
    p = torch.zeros(3, 4, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([p], **options)
    globals()[f"p_{kind}"] = p
    optimizers[kind] = optimizer
    for _ in range(3):
        optimizer.zero_grad()
        quadratic(p).backward()
        optimizer.step()

del p, optimizer
