"""Every operator that torch's own tests know: ``operators.py part parts``."""

import itertools
import sys
import warnings

import torch
from digests import bits, differentiable, seed, tell, tensors
from torch.testing._internal.common_methods_invocations import op_db

warnings.simplefilter("ignore")
SAMPLES = {torch.float32: 12, torch.bfloat16: 5}
UNINITIALIZED = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
}  # fmt: skip


def is_stable(op, sample):
    """LAPACK's gelsy gives other bits in each process, gradstep or not."""
    return op.name != "linalg.lstsq" or sample.kwargs.get("driver") != "gelsy"


def samples(op, dtype, grad):
    seed()
    found = op.sample_inputs("cpu", dtype, requires_grad=grad)
    return [s for s in itertools.islice(found, SAMPLES[dtype]) if is_stable(op, s)]


def in_place(op, sample):
    """On a copy, as a leaf that requires grad cannot be changed in place."""
    target = sample.input.clone()
    return op.inplace_variant(target, *sample.args, **sample.kwargs), target


def try_operator(op, dtype):
    name = f"{op.full_name}[{dtype}]"
    grad = op.supports_autograd and dtype in op.supported_backward_dtypes("cpu")
    for i, sample in enumerate(samples(op, dtype, grad)):
        given = tensors(sample.input, sample.args, sample.kwargs)
        inputs = [value for value in given if differentiable(value)]
        call = lambda: op(sample.input, *sample.args, **sample.kwargs)  # noqa: B023, E731
        tell(f"{name} #{i}", call, inputs, by_leaves=i % 2 == 1)
        if i < 2:
            tell(f"{name} #{i} no_grad", lambda: without_grad(call))  # noqa: B023
        if i < 3 and op.inplace_variant is not None and isinstance(sample.input, torch.Tensor):
            tell(f"{name} #{i} in place", lambda: in_place(op, sample), inputs)  # noqa: B023


def without_grad(call):
    with torch.no_grad():
        return call()


def try_errors(op):
    """What must fail: the same error in the same words."""
    seed()
    for i, wrong in enumerate(itertools.islice(op.error_inputs("cpu"), 8)):
        sample = wrong.sample_input
        call = lambda: op(sample.input, *sample.args, **sample.kwargs)  # noqa: B023, E731
        tell(f"{op.full_name} wrong #{i}", call)


def operators(part, parts):
    known = [op for op in op_db if op.name not in UNINITIALIZED]
    return known[part::parts]


if __name__ == "__main__":
    for op in operators(*map(int, sys.argv[1:])):
        for dtype in SAMPLES:
            if not op.supports_dtype(dtype, "cpu"):
                continue
            try:
                try_operator(op, dtype)
            except Exception as error:  # of making the samples: as telling as one of the call
                print(
                    f"{op.full_name}[{dtype}] samples\t{type(error).__name__}: {bits(str(error))}"
                )
        if op.error_inputs_func is not None:
            try_errors(op)
