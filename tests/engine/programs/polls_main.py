"""A helper thread that lives as long as the main thread does, and one that waits for it."""

import threading
import time

import torch

main = threading.main_thread()


def watch():
    while main.is_alive():
        time.sleep(0.01)
    print("the main thread has ended")


threading.Thread(target=watch).start()
threading.Thread(target=main.join).start()
w = torch.ones(1, requires_grad=True)
(w * 2).sum().backward()
