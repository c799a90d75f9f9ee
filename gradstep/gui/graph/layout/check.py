"""How a layout that nobody waits for any more is ended. No Qt here."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[], None]
"""Called in every loop that may take long; raises ``Cancelled`` to end the work."""


class Cancelled(Exception):
    """The work is not wanted any more."""


def no_check() -> None:
    """The work is wanted to its end."""


class Ticket:
    """For one piece of work: ``cancel`` from any thread, ``check`` in its own. ``checks`` counts
    how often that was."""

    def __init__(self) -> None:
        self.cancelled = False
        self.checks = 0

    def cancel(self) -> None:
        self.cancelled = True

    def check(self) -> None:
        """Raises ``Cancelled`` once it is."""
        self.checks += 1
        if self.cancelled:
            raise Cancelled
