"""Room on the C stack: freeing a deep graph whose nodes were seen from Python recurses."""

from __future__ import annotations

import sys

STACK = 100 << 20
"""Bytes."""


def grow_stack() -> None:
    """Of the main thread, where the system lets a process ask for it (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft != resource.RLIM_INFINITY and soft < STACK:
        wanted = STACK if hard == resource.RLIM_INFINITY else min(STACK, hard)
        resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
