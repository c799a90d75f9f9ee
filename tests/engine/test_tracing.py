"""The trace function that is shared with the program."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

from gradstep.engine.sites import Sites
from gradstep.engine.stepping.lines import Lines, Wish
from gradstep.engine.stepping.tracer import Tracer


@pytest.fixture(autouse=True)
def untraced() -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(before)


def called() -> int:
    first = 1
    return first + 1


def test_stopped_by_another_thread_and_started_again_it_does_not_ask_itself() -> None:
    """As when, at a stop on a line, a breakpoint is taken off and another one is set."""
    lines: list[int] = []

    def ours(code: CodeType) -> bool:
        return code is called.__code__

    def line(frame: FrameType) -> None:
        lines.append(frame.f_lineno - called.__code__.co_firstlineno)
        if len(lines) == 1:
            in_another_thread(tracer.stop)
            tracer.start(frame)

    tracer = Tracer(ours, ours, line, lambda frame: None)
    tracer.start(None)
    try:
        called()
        called()
    finally:
        tracer.stop()
    assert lines == [1, 2, 1, 2]
    assert sys.gettrace() is None


def test_the_programs_own_function_hears_no_call_twice_or_never() -> None:
    heard: list[str] = []

    def theirs(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code is called.__code__:
            heard.append(event)
            if len(heard) == 1:
                in_another_thread(tracer.stop)
                tracer.start(None)

    sys.settrace(theirs)
    tracer = Tracer(lambda code: False, lambda code: False, lambda frame: None, lambda frame: None)
    tracer.start(None)
    called()
    called()
    tracer.stop()
    called()
    assert heard == ["call", "call", "call"]
    assert sys.gettrace() is theirs
    sys.settrace(None)


def test_an_interruption_waits_until_tracing_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python runs pending calls between any two bytecodes, those of ``Tracer.stop`` included."""
    lines = Lines(Sites(str(Path(__file__).parent)))
    reached: list[int] = []
    interrupted: list[bool] = []
    set_trace = sys.settrace

    def settrace(function: object) -> None:
        set_trace(function)  # type: ignore[arg-type]
        if function is None and not interrupted:
            interrupted.append(True)
            lines.interrupt(Wish(lambda frame: reached.append(frame.f_lineno)))

    monkeypatch.setattr(sys, "settrace", settrace)
    lines.arm(sys._getframe(), Wish(lambda frame: None, wanted=lambda frame: False))
    lines.disarm()
    here = sys._getframe().f_lineno
    assert reached == [here]
    lines.disarm()
    assert sys.gettrace() is None


def in_another_thread(what: Callable[[], None]) -> None:
    thread = threading.Thread(target=what)
    thread.start()
    thread.join()
