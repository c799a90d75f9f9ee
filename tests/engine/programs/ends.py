"""Does something in the end, however it ends."""

import atexit
import sys
import time

import torch


def note(what):
    with open(sys.argv[1], "a") as file:
        print(what, file=file)


atexit.register(note, "atexit")
w = torch.ones(1, requires_grad=True)
try:
    for _ in range(1000):
        (w * 2).sum().backward()
        time.sleep(float(sys.argv[2]))  # @sleeps
finally:
    note("finally")
