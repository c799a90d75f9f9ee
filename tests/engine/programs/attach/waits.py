"""Held, then busy until a file appears; says how often Ctrl+C was pressed."""

import os
import sys

import torch

import gradstep

w = torch.ones(3, requires_grad=True)
interrupted = 0
try:
    gradstep.breakpoint()  # @held
except KeyboardInterrupt:
    interrupted += 1
print("busy", flush=True)
count = 0
while not os.path.exists(sys.argv[1]):
    (w * 2).sum().backward()  # @busy
    count += 1
w.grad = None
(w * 2).sum().backward()
print(w.grad.tolist(), interrupted, torch._C._len_torch_function_stack(), sys.gettrace())
