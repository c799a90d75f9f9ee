"""Loops for ever in Python."""

import torch

w = torch.ones(1, requires_grad=True)
n = 0
print("spinning", flush=True)
while True:  # @loop
    n += 1  # @body
