"""Trains in a second thread while the main thread waits, as small apps with a window do."""

# phases: forward backward update zero_grad; iterations: 3

import threading

import torch
from digest import show

torch.manual_seed(0)
w = torch.nn.Parameter(torch.randn(3))


def train():
    optimizer = torch.optim.Adam([w], lr=0.1)
    for step in range(3):
        loss = (w - 1).square().sum()  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
        optimizer.zero_grad()  # @zero_grad
        print(step, loss.item())


thread = threading.Thread(target=train)
thread.start()
thread.join()
show(w)
