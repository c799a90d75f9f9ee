"""What the database programs print: one line for each call, with digests of all that it left."""

import hashlib
import random
import re

import numpy as np
import torch
from torch.utils._pytree import tree_flatten

torch.set_num_threads(1)


def seed():
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)


def tensors(*trees):
    return [leaf for leaf in tree_flatten(trees)[0] if isinstance(leaf, torch.Tensor)]


def bits(value):
    """Shape, type and every bit of a tensor; the text of anything else."""
    if not isinstance(value, torch.Tensor):
        return repr(value)
    head = f"{tuple(value.shape)} {value.dtype} {value.layout}"
    if value.is_nested:
        return [head, *(bits(part) for part in value.unbind())]
    if value.layout is not torch.strided:
        return [head, bits(value.to_dense())]
    plain = value.detach().resolve_conj().resolve_neg().contiguous()
    return head, plain.view(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def form(value):
    """How a result lies in memory and hangs in the graph; how often it was written to."""
    node = type(value.grad_fn).__name__ if value.grad_fn is not None else ""
    if value.layout is not torch.strided or value.is_nested:
        return node, value.requires_grad
    return node, value.requires_grad, value.stride(), value._is_view(), value._version


def digest(*parts):
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def differentiable(value):
    return value.requires_grad and (value.is_floating_point() or value.is_complex())


def backward(results, inputs, by_leaves):
    """Gradients of ``inputs``: from ``autograd.grad``, or as ``backward`` leaves them in leaves."""
    seeds = [torch.full_like(result, 0.37) for result in results]
    if not by_leaves:
        return torch.autograd.grad(results, inputs, seeds, allow_unused=True)
    torch.autograd.backward(results, seeds)
    gradients = [leaf.grad if leaf.is_leaf else None for leaf in inputs]
    for leaf in inputs:
        if leaf.is_leaf:
            leaf.grad = None
    return gradients


def tell(name, call, inputs=(), *, by_leaves=False, after=()):
    """Call, go backward, and print what came of it. ``after``: what else may have changed."""
    seed()
    before = [value._version for value in inputs]
    try:
        results = tensors(call())
        ends = [result for result in results if differentiable(result)]
        gradients = backward(ends, list(inputs), by_leaves) if ends and inputs else ()
        said = {
            "out": digest([bits(result) for result in results]),
            "form": digest([form(result) for result in results]),
            "grad": digest([bits(gradient) for gradient in gradients]),
            "versions": [value._version - n for value, n in zip(inputs, before, strict=True)],
            "after": digest([(bits(value), value._version) for value in after]),
        }
    except Exception as error:
        text = re.sub(r"0x[0-9a-f]+", "0x", str(error)).replace("\n", " ")
        said = {"error": f"{type(error).__name__}: {text[:200]}"}
    said["rng"] = digest(torch.get_rng_state().numpy().tobytes())
    print(name, said, sep="\t")
    beat()


class Beat:
    """One update of a parameter of its own, so that each call is an iteration."""

    def __init__(self):
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.optimizer = torch.optim.SGD([self.weight], lr=0.1)

    def __call__(self):
        (self.weight * self.weight).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()


beat = Beat()
