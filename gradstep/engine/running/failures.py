"""An exception of the user's program as a fact to show."""

from __future__ import annotations

import traceback

from gradstep.engine.running.tracebacks import clean_traceback
from gradstep.engine.sites import Sites, source_name
from gradstep.protocol.trace import Failure, Place

# What PyTorch says, and what it means, for the mistakes that belong to the four phases.
_EXPLANATIONS: tuple[tuple[str, str], ...] = (
    (
        "Trying to backward through the graph a second time",
        "The graph was already freed: backward releases what forward had saved. Run forward "
        "again first, or call backward(retain_graph=True) if both gradients are wanted.",
    ),
    (
        "does not require grad and does not have a grad_fn",
        "There is no way from here to a parameter: nothing that went into this value requires "
        "grad, or it was computed under no_grad or detached.",
    ),
    (
        "backward before the first forward",
        "There is nothing to send back yet. Press Forward first.",
    ),
    (
        "modified by an inplace operation",
        "A value that backward still needs was changed in place after forward had saved it. "
        "Use an operation that makes a new tensor there.",
    ),
    (
        "grad can be implicitly created only for scalar outputs",
        "backward starts from one number. Reduce the value first (sum or mean), or pass "
        "gradient= of the same shape.",
    ),
    (
        "a leaf Variable that requires grad is being used in an in-place operation",
        "A parameter may only be changed in place under torch.no_grad() (or through .data), so "
        "that the change itself is not recorded.",
    ),
    (
        "Expected all tensors to be on the same device",
        "Two values live on different devices. Move one with .to(device) before they meet.",
    ),
    (
        "shapes cannot be multiplied",
        "The inner sizes of the two matrices differ: columns of the first must equal rows of "
        "the second.",
    ),
    ("out of memory", "The device has no room left for this tensor."),
)


def describe_failure(error: BaseException, sites: Sites) -> Failure:
    """Type, message, traceback without gradstep's frames, and the frames of the user's code."""
    clean_traceback(error)
    text = "".join(traceback.format_exception(error))
    frames = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        if sites.is_user(frame.f_code):
            name = frame.f_code.co_name
            frames.append(
                Place(
                    source_name(frame.f_code.co_filename),
                    line,
                    "" if name == "<module>" else name,
                )
            )
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append(Place(source_name(error.filename), error.lineno))
    message = str(error)
    return Failure(type(error).__name__, message, text, tuple(frames), explain(message))


def explain(message: str) -> str:
    """In words, for the errors that beginners meet in the four phases; empty for others."""
    for part, words in _EXPLANATIONS:
        if part in message:
            return words
    return ""
