"""A package's main module: relative imports, ``sys.argv`` and ``__spec__`` as ``-m`` sets them."""

# phases: forward backward update zero_grad; iterations: 3

import os
import sys

from digest import show

from .part import weight

print(os.path.basename(sys.argv[0]), sys.argv[1:], __name__, __package__, __spec__.name)
for step in range(3):
    loss = (weight * weight).sum()  # @forward
    loss.backward()  # @backward
    weight.data -= 0.1 * weight.grad  # @update
    weight.grad.zero_()  # @zero_grad
    print(step, loss.item())
show(weight)
