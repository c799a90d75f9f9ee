"""Length-prefixed frames over a socket, and the handshake that opens one.

Layout, big-endian: 4 bytes header length, 8 bytes body length, header (UTF-8 JSON), body (raw).
The handshake proves to both sides that the other holds the secret, without sending it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
import socket
import struct
import threading
import time

from gradstep.protocol.fields import FieldError
from gradstep.protocol.messages import VERSION, Message, from_header, to_header

_PREFIX = struct.Struct(">IQ")
MAX_HEADER = 256 << 20
MAX_BODY = 4 << 30
_MAGIC = b"gradstep"
_NONCE = 32


class ProtocolError(ConnectionError):
    """The other side does not speak this protocol, or not this version of it."""


class Connection:
    """A socket that carries whole messages. ``send`` may be called from any thread, ``receive``
    from one."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._reader = sock.makefile("rb")
        self._lock = threading.Lock()
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: Message, body: bytes | memoryview = b"") -> None:
        """Raises ``OSError`` when the other side is gone, and before anything is sent ``TypeError``
        on what cannot be put on the wire, ``ValueError`` on what is too large."""
        header = json.dumps(to_header(message), separators=(",", ":")).encode()
        raw = memoryview(body).cast("B")
        if len(header) > MAX_HEADER or len(raw) > MAX_BODY:
            raise ValueError("message too large for the wire")
        with self._lock:
            self._socket.sendall(_PREFIX.pack(len(header), len(raw)) + header)
            if raw:
                self._socket.sendall(raw)

    def receive(self) -> tuple[Message, bytes]:
        """Raises ``EOFError`` when the other side closed, ``ProtocolError`` on nonsense."""
        header_size, body_size = _PREFIX.unpack(self._read(_PREFIX.size))
        if header_size > MAX_HEADER or body_size > MAX_BODY:
            raise ProtocolError("frame too large")
        header, body = self._read(header_size), self._read(body_size)
        try:
            return from_header(json.loads(header)), body
        except (FieldError, ValueError, RecursionError) as error:
            raise ProtocolError(str(error)) from error

    def hang_up(self) -> None:
        """End the talk; whoever receives, on either side, sees the end. From any thread."""
        with contextlib.suppress(OSError):  # the other side may have closed before
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.hang_up()
        self._reader.close()
        self._socket.close()

    def _read(self, size: int) -> bytes:
        if size == 0:
            return b""
        try:
            data = self._reader.read(size)
        except (OSError, ValueError) as error:
            raise EOFError(str(error)) from error
        if data is None or len(data) < size:
            raise EOFError("connection closed")
        return data


def shake_hands(sock: socket.socket, secret: bytes, *, listener: bool, timeout: float) -> None:
    """Both sides send magic, version and a nonce, then prove knowledge of ``secret`` over both
    nonces. Raises ``ProtocolError`` on a stranger or another version, ``TimeoutError`` after
    ``timeout`` seconds, however slowly the other side goes on sending."""
    deadline = time.monotonic() + timeout
    sock.settimeout(timeout)
    mine = secrets.token_bytes(_NONCE)
    sock.sendall(_MAGIC + struct.pack(">I", VERSION) + mine)
    theirs = _exactly(sock, len(_MAGIC) + 4 + _NONCE, deadline)
    if not theirs.startswith(_MAGIC):
        raise ProtocolError("the other side is not gradstep")
    (version,) = struct.unpack(">I", theirs[len(_MAGIC) : len(_MAGIC) + 4])
    if version != VERSION:
        raise ProtocolError(f"the other side speaks protocol {version}, this one {VERSION}")
    nonce = theirs[-_NONCE:]
    both = mine + nonce if listener else nonce + mine
    proof = {side: hmac.digest(secret, side + both, hashlib.sha256) for side in (b"L", b"E")}
    me, other = (b"L", b"E") if listener else (b"E", b"L")
    sock.sendall(proof[me])
    answer = _exactly(sock, hashlib.sha256().digest_size, deadline)
    if not hmac.compare_digest(answer, proof[other]):
        raise ProtocolError("the other side does not know the secret")
    sock.settimeout(None)


def _exactly(sock: socket.socket, size: int, deadline: float) -> bytes:
    data = b""
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the other side is too slow")
        sock.settimeout(left)
        more = sock.recv(size - len(data))
        if not more:
            raise ProtocolError("connection closed during the handshake")
        data += more
    return data
