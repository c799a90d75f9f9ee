"""Imports torch and the engine once, and forks a process that has them for every program.

Started by ``tests/forks.py`` with one end of a socket as its argument. A request is three
descriptors (standard input, output and error) with the folder and the environment; the answer is
the process's number, and later its status.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

MODULES = (
    "torch",
    "torch._dynamo",  # which every optimizer imports as it is made
    "torch.utils.data",
    "gradstep.engine.assembly",
    "gradstep.engine.running.driver",
    "gradstep.engine.running.failures",
    "gradstep.engine.running.script",
    "gradstep.engine.verbs.reading",
)
"""What a program and its engine need, or soon will."""


def serve(sock: socket.socket) -> None:
    """Fork on request. Returns in the child, where all is as in a process that just began."""
    children: dict[int, int] = {}  # by pidfd
    while True:
        ready, _, _ = select.select([sock, *children], [], [])
        for descriptor in ready:
            if isinstance(descriptor, int):
                pid = children.pop(descriptor)
                os.close(descriptor)
                _, status = os.waitpid(pid, 0)
                _say(sock, pid=pid, code=os.waitstatus_to_exitcode(status))
            elif not _fork(sock, children):
                return


def _fork(sock: socket.socket, children: dict[int, int]) -> bool:
    """Whether this is still the server."""
    message, streams, _, _ = socket.recv_fds(sock, 1 << 20, 3)
    if not message:
        os._exit(0)  # the tests are over
    size = int.from_bytes(message[:4], "big")
    while len(message) < 4 + size:
        message += sock.recv(1 << 20)
    request = json.loads(message[4:])
    begun, begins = os.pipe()
    pid = os.fork()
    if pid == 0:
        sock.close()
        for descriptor in (*children, begun):
            os.close(descriptor)
        _begin(streams, request)
        os.close(begins)
        return False
    os.close(begins)
    os.read(begun, 1)  # until it leads its group, by which it may be killed at once
    os.close(begun)
    children[os.pidfd_open(pid)] = pid
    for descriptor in streams:
        os.close(descriptor)
    _say(sock, pid=pid)
    return True


def _begin(streams: list[int], request: dict[str, Any]) -> None:
    os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    if request["cwd"]:
        os.chdir(request["cwd"])


def _say(sock: socket.socket, **what: int) -> None:
    sock.sendall(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    sys.path[0] = ""  # as the engine does when it is started by its path
    sys.argv[1:], number = [], int(sys.argv[1])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in MODULES:
        importlib.import_module(name)

    from gradstep.engine.running.session import run
    from gradstep.engine.running.ticket import read_ticket

    gc.collect()
    gc.freeze()  # no child need look through it again
    connection = socket.socket(fileno=number)
    connection.sendall(b"\n")
    serve(connection)
    del connection
    sys.exit(run(read_ticket()))
