"""What a node of backward saves, by the parts of PyTorch that are not its public face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from gradstep.protocol.examination import Life


def saved_tensors(node: Any) -> Iterator[tuple[str, Any]]:
    """What a node of backward saves: name and tensor; in the tensor's place a ``Life`` when it
    cannot be read, or a sentence when PyTorch refuses to use it. Hooks of the program
    (``saved_tensors_hooks``) are not called: unpacking may run a forward again.

    Relies on ``_raw_saved_*`` (of nodes of C++), ``_raw_saved_tensors`` (of ``autograd.Function``)
    and on ``data`` and ``unpack_hook`` of what they give."""
    for attribute in dir(node):
        if not attribute.startswith("_raw_saved_"):
            continue
        name = attribute.removeprefix("_raw_saved_")
        try:
            raw = getattr(node, attribute)
        except RuntimeError:  # a Function's, once freed
            yield name, Life.FREED
            continue
        several = isinstance(raw, (tuple, list))
        lives = [_life(one) for one in (raw if several else (raw,))]
        found: Any = lives
        if Life.PACKED not in lives and Life.ALIVE in lives:
            plain = "saved_tensors" if attribute == "_raw_saved_tensors" else f"_saved_{name}"
            try:
                found = getattr(node, plain)
            except RuntimeError as error:
                found = str(error).split("Hint:", 1)[0].strip()
            found = found if several and not isinstance(found, str) else [found] * len(lives)
        for number, (life, one) in enumerate(zip(lives, found, strict=True)):
            own = f"{name}[{number}]" if several else name
            yield own, (one if life is Life.ALIVE else life)


def _life(raw: Any) -> Life:
    held = getattr(raw, "data", None)
    if held is None:
        return Life.FREED  # or an optional tensor that was never there
    if not isinstance(held, Tensor) or getattr(raw, "unpack_hook", None) is not None:
        return Life.PACKED
    return Life.ALIVE
