"""Leaves without a word."""

import os

import torch

w = torch.ones(1, requires_grad=True)
(w * 2).sum().backward()
print("now", flush=True)
os._exit(7)
