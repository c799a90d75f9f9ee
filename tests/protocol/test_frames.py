"""Frames and the handshake over a real pair of sockets."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from gradstep.protocol import frames
from gradstep.protocol.frames import (
    MAX_BODY,
    MAX_HEADER,
    Connection,
    ProtocolError,
    shake_hands,
)
from gradstep.protocol.messages import VERSION, Event, Message, Problem, Refusal, Reply, Request

SECRET = b"\x07" * 32
HELLO = len(b"gradstep") + 4 + 32
PROOF = 32
PATIENCE = 5.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    yield left, right
    left.close()
    right.close()


@pytest.fixture
def ends(pair: tuple[socket.socket, socket.socket]) -> Iterator[tuple[Connection, Connection]]:
    left, right = Connection(pair[0]), Connection(pair[1])
    yield left, right
    left.close()
    right.close()


# ---------------------------------------------------------------- messages

MESSAGES: tuple[Message, ...] = (
    Request(1, "advance", {"goal": "step", "level": None}),
    Reply(1),
    Reply(2, {"shape": [2, 3], "values": [1, 1.5, True, None, "∂loss/∂w \ud800"]}),
    Refusal(3, Problem("busy", "the program is running", "value", "Traceback …")),
    Event("stopped", {"stop": {"reason": "step"}}),
)


def test_messages_arrive_in_order(ends: tuple[Connection, Connection]) -> None:
    left, right = ends
    for message in MESSAGES:
        left.send(message)
        right.send(message, b"back")
    assert [right.receive() for _ in MESSAGES] == [(message, b"") for message in MESSAGES]
    assert [left.receive() for _ in MESSAGES] == [(message, b"back") for message in MESSAGES]


@pytest.mark.parametrize("size", [0, 1, 4096, 1 << 16, (1 << 24) + 1])
def test_bodies_of_any_size(ends: tuple[Connection, Connection], size: int) -> None:
    left, right = ends
    body = os.urandom(size)
    sender = threading.Thread(target=left.send, args=(Reply(1), body))
    sender.start()
    message, received = right.receive()
    sender.join(PATIENCE)
    assert message == Reply(1)
    assert received == body


def test_bodies_may_be_views(ends: tuple[Connection, Connection]) -> None:
    left, right = ends
    numbers = struct.pack("<6f", *range(6))
    left.send(Reply(1), memoryview(numbers).cast("f", (2, 3)))
    assert right.receive() == (Reply(1), numbers)


def test_what_cannot_be_sent_leaves_the_stream_whole(ends: tuple[Connection, Connection]) -> None:
    left, right = ends
    with pytest.raises(TypeError):
        left.send(Reply(1), memoryview(b"abcdef")[::2])
    with pytest.raises(TypeError):
        left.send(Event("said", {"what": object()}))
    left.send(Reply(2), b"whole")
    assert right.receive() == (Reply(2), b"whole")


def test_too_large_is_not_sent(
    ends: tuple[Connection, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = ends
    monkeypatch.setattr(frames, "MAX_BODY", 8)
    monkeypatch.setattr(frames, "MAX_HEADER", 100)
    with pytest.raises(ValueError, match="too large"):
        left.send(Reply(1), b"9 bytes !")
    with pytest.raises(ValueError, match="too large"):
        left.send(Reply(1, "x" * 100))
    left.send(Reply(2), b"8 bytes!")
    assert right.receive() == (Reply(2), b"8 bytes!")


def test_many_senders_do_not_mix(ends: tuple[Connection, Connection]) -> None:
    left, right = ends
    threads, each = 8, 40

    def send(number: int) -> None:
        for i in range(each):
            left.send(Event("said", {"by": number, "i": i}), bytes([number]) * (1000 * i + 1))

    senders = [threading.Thread(target=send, args=(n,)) for n in range(threads)]
    for sender in senders:
        sender.start()
    seen: dict[int, list[int]] = {n: [] for n in range(threads)}
    for _ in range(threads * each):
        message, body = right.receive()
        assert isinstance(message, Event)
        number, i = message.arguments["by"], message.arguments["i"]
        assert body == bytes([number]) * (1000 * i + 1)
        seen[number].append(i)
    for sender in senders:
        sender.join(PATIENCE)
    assert all(order == list(range(each)) for order in seen.values())


# ---------------------------------------------------------------- nonsense


def frame(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">IQ", len(header), len(body)) + header + body


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\0\0",
        frame(b'{"type":"reply","id":1}')[:-1],
        frame(b'{"type":"reply","id":1}', b"body")[:-1],
    ],
    ids=["nothing", "prefix", "header", "body"],
)
def test_truncated(pair: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    left, right = pair
    left.sendall(sent)
    left.close()
    with pytest.raises(EOFError):
        Connection(right).receive()


@pytest.mark.parametrize("sizes", [(MAX_HEADER + 1, 0), (2, MAX_BODY + 1), (2**32 - 1, 2**64 - 1)])
def test_oversized_is_refused_before_it_is_read(
    pair: tuple[socket.socket, socket.socket], sizes: tuple[int, int]
) -> None:
    left, right = pair
    left.sendall(struct.pack(">IQ", *sizes))
    with pytest.raises(ProtocolError, match="too large"):
        Connection(right).receive()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"not json",
        b"\xff\xfe\xfd",
        b"[1]",
        b"null",
        b"{}",
        b'{"type":"reply"}',
        b'{"type":"reply","id":"1"}',
        b'{"type":"reply","id":true}',
        b'{"type":"reply","id":1,"extra":1}',
        b'{"type":"order","id":1}',
        b'{"type":["reply"],"id":1}',
        b'{"type":{},"id":1}',
        b'{"type":"request","id":1,"verb":"x","arguments":[]}',
        b'{"type":"refusal","id":1,"problem":{"kind":"busy"}}',
        b"[" * 100_000,
        b'{"type":"reply","id":1,"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"reply","id":' + b"1" * 10_000 + b"}",
    ],
    ids=lambda header: header[:24].decode("latin-1"),
)
def test_garbage_is_a_protocol_error(
    pair: tuple[socket.socket, socket.socket], header: bytes
) -> None:
    left, right = pair
    sender = threading.Thread(target=left.sendall, args=(frame(header),))
    sender.start()
    with pytest.raises(ProtocolError):
        Connection(right).receive()
    sender.join(PATIENCE)


def test_random_bytes_never_pass_for_a_message(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    left.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with pytest.raises(ProtocolError):
        Connection(right).receive()


def test_close_wakes_whoever_receives(ends: tuple[Connection, Connection]) -> None:
    left, _ = ends
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(left.receive)
        time.sleep(0.05)
        left.close()
        with pytest.raises(EOFError):
            waiting.result(PATIENCE)
    left.close()


def test_sending_to_nobody_raises(ends: tuple[Connection, Connection]) -> None:
    left, right = ends
    right.close()
    # The first may still fit into the system's buffer.
    with pytest.raises(OSError, match=r"pipe|reset"):
        any(left.send(Reply(1), bytes(1 << 16)) for _ in range(100))


# ---------------------------------------------------------------- handshake


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


def shake(
    pool: ThreadPoolExecutor,
    sock: socket.socket,
    *,
    secret: bytes = SECRET,
    listener: bool,
    timeout: float = PATIENCE,
) -> Future[None]:
    """Shake hands in the background, and close on failure, as gradstep does."""

    def work() -> None:
        try:
            shake_hands(sock, secret, listener=listener, timeout=timeout)
        except BaseException:
            sock.close()
            raise

    return pool.submit(work)


def exactly(sock: socket.socket, size: int) -> bytes:
    sock.settimeout(PATIENCE)
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, "closed"
        data += more
    return data


def test_right_secret(pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor) -> None:
    left, right = pair
    listening, coming = shake(pool, left, listener=True), shake(pool, right, listener=False)
    listening.result(PATIENCE)
    coming.result(PATIENCE)
    assert left.gettimeout() is None
    # Nothing of what follows was swallowed.
    Connection(left).send(Reply(1), b"first")
    assert Connection(right).receive() == (Reply(1), b"first")


def test_wrong_secret(pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor) -> None:
    left, right = pair
    listening = shake(pool, left, listener=True)
    coming = shake(pool, right, secret=b"\x08" * 32, listener=False)
    for side in (listening, coming):
        with pytest.raises(ProtocolError, match="does not know the secret"):
            side.result(PATIENCE)


def test_two_of_the_same_side_do_not_agree(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor
) -> None:
    left, right = pair
    for side in (shake(pool, left, listener=True), shake(pool, right, listener=True)):
        with pytest.raises(ProtocolError, match="does not know the secret"):
            side.result(PATIENCE)


def test_other_version(pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor) -> None:
    left, right = pair
    listening = shake(pool, left, listener=True)
    right.sendall(b"gradstep" + struct.pack(">I", VERSION + 1) + bytes(32))
    with pytest.raises(ProtocolError, match=f"speaks protocol {VERSION + 1}, this one {VERSION}"):
        listening.result(PATIENCE)
    exactly(right, HELLO)
    assert right.recv(PROOF) == b"", "a proof was sent to another version"


def test_stranger(pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor) -> None:
    left, right = pair
    listening = shake(pool, left, listener=True)
    right.sendall(b"GET / HTTP/1.1\r\nHost: localhost:1234\r\nAccept: */*\r\n\r\n")
    with pytest.raises(ProtocolError, match="not gradstep"):
        listening.result(PATIENCE)


def test_closing_stranger(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor
) -> None:
    left, right = pair
    listening = shake(pool, left, listener=True)
    right.close()
    with pytest.raises(OSError, match=r"closed|pipe|reset"):
        listening.result(PATIENCE)


def test_silence_times_out(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor
) -> None:
    with pytest.raises(TimeoutError):
        shake(pool, pair[0], listener=True, timeout=0.1).result(PATIENCE)


def test_dribbling_times_out_as_a_whole(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor
) -> None:
    """A byte now and then does not hold the door open for ever."""
    left, right = pair
    listening = shake(pool, left, listener=True, timeout=0.3)
    began = time.monotonic()
    while not listening.done() and time.monotonic() - began < PATIENCE:
        try:
            right.sendall(b"g")
        except OSError:
            break
        time.sleep(0.1)
    with pytest.raises(TimeoutError):
        listening.result(PATIENCE)
    assert time.monotonic() - began < 2


def eavesdropped(pool: ThreadPoolExecutor) -> bytes:
    """All that a connecting engine sent in a handshake that went well."""
    a, ear_a = socket.socketpair()
    ear_b, b = socket.socketpair()
    with a, b, ear_a, ear_b:
        listening, coming = shake(pool, a, listener=True), shake(pool, b, listener=False)
        hello = exactly(ear_b, HELLO)
        ear_a.sendall(hello)
        ear_b.sendall(exactly(ear_a, HELLO))
        proof = exactly(ear_b, PROOF)
        ear_a.sendall(proof)
        ear_b.sendall(exactly(ear_a, PROOF))
        listening.result(PATIENCE)
        coming.result(PATIENCE)
        return hello + proof


def test_replayed_proof_is_refused(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor
) -> None:
    recorded = eavesdropped(pool)
    left, right = pair
    listening = shake(pool, left, listener=True)
    right.sendall(recorded)
    with pytest.raises(ProtocolError, match="does not know the secret"):
        listening.result(PATIENCE)


@pytest.mark.parametrize("listener", [True, False])
def test_reflected_proof_is_refused(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor, listener: bool
) -> None:
    """Who sends back whatever it gets proves nothing."""
    left, right = pair
    shaking = shake(pool, left, listener=listener)
    right.sendall(exactly(right, HELLO))
    right.sendall(exactly(right, PROOF))
    with pytest.raises(ProtocolError, match="does not know the secret"):
        shaking.result(PATIENCE)


def test_the_secret_itself_is_never_sent(
    pair: tuple[socket.socket, socket.socket], pool: ThreadPoolExecutor
) -> None:
    left, right = pair
    listening = shake(pool, left, listener=True)
    right.sendall(b"gradstep" + struct.pack(">I", VERSION) + bytes(32))
    sent = exactly(right, HELLO + PROOF)
    right.close()
    with pytest.raises(OSError, match=r"closed|reset"):
        listening.result(PATIENCE)
    assert SECRET not in sent


def test_nonces_differ(pool: ThreadPoolExecutor) -> None:
    assert eavesdropped(pool)[:HELLO] != eavesdropped(pool)[:HELLO]


# ---------------------------------------------------------------- the header itself


def test_header_is_plain_json(pair: tuple[socket.socket, socket.socket]) -> None:
    left, right = pair
    Connection(left).send(Event("said", {"text": "ŷ"}), b"raw")
    header, body = struct.unpack(">IQ", exactly(right, 12))
    assert json.loads(exactly(right, header)) == {
        "type": "event",
        "name": "said",
        "arguments": {"text": "ŷ"},
    }
    assert exactly(right, body) == b"raw"
