"""Every module that torch's own tests know, in training and evaluation."""

import itertools
import sys
import warnings

import torch
from digests import differentiable, seed, tell, tensors
from torch.testing._internal.common_modules import module_db

warnings.simplefilter("ignore")
SAMPLES = 12


def inputs_of(info, dtype, training):
    seed()
    found = info.module_inputs_func(
        info, device="cpu", dtype=dtype, requires_grad=True, training=training
    )
    return list(itertools.islice(found, SAMPLES))


def made(info, given, dtype, training):
    """The module with the same parameters each time."""
    seed()
    made = info.module_cls(*given.constructor_input.args, **given.constructor_input.kwargs)
    return made.to(dtype).train(training)


def try_module(info, dtype, training):
    name = f"{info.name}[{dtype}] {'train' if training else 'eval'}"
    for i, given in enumerate(inputs_of(info, dtype, training)):
        if given.forward_input is None:
            continue
        arguments, words = given.forward_input.args, given.forward_input.kwargs
        for grad in (True, False):
            module = made(info, given, dtype, training)
            owned = [p for p in module.parameters() if not torch.nn.parameter.is_lazy(p)]
            inputs = [t for t in tensors(arguments, words) if differentiable(t)] + owned

            def call():
                with torch.set_grad_enabled(grad):  # noqa: B023
                    return module(*arguments, **words)  # noqa: B023

            buffers = [b for b in module.buffers() if not torch.nn.parameter.is_lazy(b)]
            mark = "" if grad else " no_grad"
            tell(f"{name} #{i}{mark}", call, inputs, by_leaves=i % 2 == 0, after=buffers)


if __name__ == "__main__":
    part, parts = map(int, sys.argv[1:])
    for info in module_db[part::parts]:
        for dtype in (torch.float32, torch.bfloat16):
            for training in (True, False):
                try:
                    try_module(info, dtype, training)
                except Exception as error:  # of making samples
                    print(
                        f"{info.name}[{dtype}] {training}\t{type(error).__name__}: {str(error)!r}"
                    )
