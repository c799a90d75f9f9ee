"""Runs cells as IPython does: their text lies in no file, only in Python's cache of lines."""

import linecache

CELLS = {
    "<ipython-input-1-0c1f>": """\
import torch
import gradstep
w = torch.tensor([1.0, 2.0], requires_grad=True)
""",
    "/tmp/ipykernel_77/1234567.py": """\
def loss(x):
    return (w * x).sum()

gradstep.breakpoint()
y = loss(3.0)
y.backward()
print(w.grad.tolist())
""",
}
for file, text in CELLS.items():
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), globals())
