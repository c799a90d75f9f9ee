"""Goes on after failures and logs their tracebacks, as long runs do."""

# phases: varies; iterations: 3

import logging
import traceback

import torch
from digest import show

torch.manual_seed(0)
w = torch.nn.Parameter(torch.randn(3))
optimizer = torch.optim.SGD([w], lr=0.1)
for step, n in enumerate([3, 2, 3, 4, 3]):
    try:
        optimizer.zero_grad()  # @zero_grad
        loss = torch.mul(w, torch.ones(n)).sum()  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
        print(step, loss.item())
    except RuntimeError:
        if n == 2:
            traceback.print_exc()
        else:
            logging.exception("step %d failed", step)
show(w)
