"""What programs do to Python itself, on both streams, to an unusual end."""

import dataclasses
import logging
import os
import pickle
import sys
import threading
import traceback

import torch


@dataclasses.dataclass
class Settings:
    rate: float = 0.1


torch.manual_seed(0)
print(pickle.loads(pickle.dumps(Settings(0.3))), sys.modules["__main__"].Settings is Settings)
print(__name__, __file__ == os.path.abspath(__file__), sys.argv[1:], __spec__, __package__)
print(sorted(name for name in globals() if name.startswith("__")), sys.gettrace())
w = torch.zeros(1, requires_grad=True)
exec("for _ in range(2): loss = (w - 1).sum(); loss.backward(); w.data -= w.grad; w.grad = None")
print(w)


def gradients(n):
    v = torch.ones(2, requires_grad=True)
    for i in range(n):
        (v * i).sum().backward()
        yield v.grad.clone()


print(list(gradients(3)), [(torch.ones(1) * k).item() for k in range(3)])


def deep(n, x):
    return x if n == 0 else deep(n - 1, x * 1.01)


x = torch.ones(1, requires_grad=True)
deep(200, x).backward()
print(x.grad)


def aside():
    v = torch.ones(2, requires_grad=True)
    (v * v).sum().backward()
    print("thread", v.grad)


thread = threading.Thread(target=aside)
thread.start()
thread.join()
child = os.fork()
if child == 0:
    (w * 3).sum().backward()
    print("child", w.grad, flush=True)
    os._exit(4)
print(os.waitpid(child, 0)[1] >> 8)
logging.warning("logged")
sys.stdout.flush()
os.write(1, b"raw \xff bytes\n")
try:
    torch.ones(2) @ torch.ones(3)
except RuntimeError as error:
    print("caught", error, traceback.extract_tb(error.__traceback__)[0].lineno)
h = (w * 2).register_hook(lambda g: 1 / 0)
y = w * 2
y.register_hook(lambda g: 1 / 0)
try:
    y.sum().backward()
except ZeroDivisionError as error:
    print("caught", error)
(w * 2).sum().backward()
print(w.grad, torch.get_rng_state().sum().item())
print("no end of line", end="")
raise SystemExit("a last word")
