"""Says in a line all that training has changed: bits, versions, gradients, random numbers."""

import hashlib

import torch


def show(*things):
    """Print a digest of tensors (nested in lists and dicts) and of the state of random numbers."""
    digest = hashlib.sha256()
    for thing in (*things, torch.get_rng_state()):
        _add(digest, thing)
    print(digest.hexdigest()[:16])


def _add(digest, thing):
    if isinstance(thing, torch.Tensor):
        data = thing.detach().contiguous()
        data = data.float() if data.dtype is torch.bfloat16 else data
        digest.update(f"{tuple(thing.shape)} {thing.dtype} {thing._version}".encode())
        digest.update(data.numpy().tobytes())
        if thing.is_leaf and thing.grad is not None:
            _add(digest, thing.grad)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            digest.update(str(key).encode())
            _add(digest, value)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            _add(digest, value)
    else:
        digest.update(repr(thing).encode())
