"""What a started engine is told first: where to call, and which program to run."""

from __future__ import annotations

import json
import os
import sys


def read_ticket() -> dict[str, object]:
    """The first line of standard input, byte by byte: the rest is the program's own."""
    line = bytearray()
    while byte := os.read(0, 1):
        if byte == b"\n":
            break
        line += byte
    if not line:
        sys.exit("gradstep.engine is started by gradstep; it has no use on its own.")
    ticket: dict[str, object] = json.loads(line)
    return ticket
