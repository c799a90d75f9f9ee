"""What a debugging session can be in, and how it may go from one to the other."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    EMPTY = "empty"  # no program
    STARTING = "starting"  # the process starts, torch loads
    STOPPED = "stopped"  # it stands still and can go on
    RUNNING = "running"
    ENDED = "ended"  # it finished or raised; its process may still be asked
    LOST = "lost"  # its process is gone


TRANSITIONS: dict[State, frozenset[State]] = {
    State.EMPTY: frozenset({State.STARTING}),
    # A program may be restarted, or another opened, at any time: every state leads to STARTING.
    State.STARTING: frozenset({State.STARTING, State.STOPPED, State.ENDED, State.LOST}),
    State.STOPPED: frozenset({State.STARTING, State.RUNNING, State.LOST}),
    State.RUNNING: frozenset({State.STARTING, State.STOPPED, State.ENDED, State.LOST}),
    State.ENDED: frozenset({State.STARTING, State.LOST}),
    State.LOST: frozenset({State.STARTING}),
}


class InvalidTransition(RuntimeError):
    """The session was told to go where it cannot from where it is."""


def check(old: State, new: State) -> None:
    """Raises ``InvalidTransition`` unless ``old`` may become ``new``."""
    if new not in TRANSITIONS[old]:
        raise InvalidTransition(f"a session cannot go from {old} to {new}")
