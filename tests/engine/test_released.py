"""At run level no tensor outlives what it does under plain Python."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from gradstep.protocol.trace import Level, Reason
from tests.engine.programs_under_test import Opened


def test_tensors_go_when_they_do_in_plain_python(
    start: Callable[..., Opened], plain: Callable[..., subprocess.CompletedProcess[bytes]]
) -> None:
    expected = plain("released.py")
    assert expected.returncode == 0 and b"forward x" in expected.stdout
    program = start("released.py")
    assert program.run(level=Level.RUN).reason is Reason.END
    program.finish()
    assert program.output_bytes == expected.stdout
    # After a stop in the middle of backward, with all recorded, what is let go runs as plain.
    program = start("released.py")
    program.forward()
    program.step()
    program.run(level=Level.RUN)
    program.finish()
    later = expected.stdout.splitlines()[-5:]
    assert program.output_bytes.splitlines()[-5:] == later
