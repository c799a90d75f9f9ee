"""Breakpoints where nothing can be held: a second thread, a forked child, workers."""

import os
import sys
import threading

import torch
from torch.utils.data import DataLoader, Dataset

import gradstep


class Numbers(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, i):
        gradstep.breakpoint()
        return torch.tensor(float(i))


if __name__ == "__main__":
    thread = threading.Thread(target=gradstep.breakpoint)
    thread.start()
    thread.join()
    if hasattr(os, "fork"):
        pid = os.fork()
        if not pid:
            gradstep.breakpoint()
            os._exit(5)
        print(os.waitpid(pid, 0)[1] >> 8)
    for context in sys.argv[1:]:
        loader = DataLoader(Numbers(), num_workers=1, multiprocessing_context=context)
        print([x.item() for x in loader])
