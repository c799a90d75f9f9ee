"""Counts lines by a trace function of its own, as coverage tools do."""

# phases: forward backward update zero_grad; iterations: 3

import sys

import torch
from digest import show

torch.manual_seed(0)

lines = []


def tracer(frame, event, argument):
    if frame.f_code.co_filename == __file__:
        lines.append((event, frame.f_lineno))
        return tracer
    return None


def step(w):
    loss = w.square().sum()  # @forward
    loss.backward()  # @backward
    w.data -= 0.1 * w.grad  # @update
    w.grad = None  # @zero_grad
    return loss.item()


w = torch.ones(2, requires_grad=True)
sys.settrace(tracer)
print([step(w) for _ in range(3)])
sys.settrace(None)
print(len(lines), hash(tuple(lines[:3])) == hash(tuple(lines[:3])))
show(w, lines)
