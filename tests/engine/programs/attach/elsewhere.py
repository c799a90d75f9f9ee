"""Breakpoints where nothing can be held: a second thread, a forked child, workers."""

import multiprocessing
import os
import threading

import gradstep

if __name__ == "__main__":
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Numbers(Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            gradstep.breakpoint()
            return torch.tensor(float(i))

    thread = threading.Thread(target=gradstep.breakpoint)
    thread.start()
    thread.join()
    pid = os.fork()
    if not pid:
        gradstep.breakpoint()
        os._exit(5)
    print(os.waitpid(pid, 0)[1] >> 8)
    loader = DataLoader(Numbers(), num_workers=1, multiprocessing_context="fork")
    print([x.item() for x in loader])
    child = multiprocessing.get_context("spawn").Process(target=gradstep.breakpoint)
    child.start()
    child.join()
    print(child.exitcode)
