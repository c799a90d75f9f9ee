"""``gradstep [--python PY] [-m] [program [arguments …]]``"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import gradstep
from gradstep.assets import resource
from gradstep.inside import rank
from gradstep.program import Program

FIRST_LESSON = "linear.py"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="gradstep",
        description="Step through a PyTorch training run: forward, backward, update, zero-grad.",
        epilog="Without a program, gradstep opens its first lesson.",
    )
    made.add_argument("--version", action="version", version=f"gradstep {gradstep.__version__}")
    made.add_argument("--python", metavar="PY", help="interpreter that runs the program")
    made.add_argument("-m", dest="module", action="store_true", help="the program is a module")
    made.add_argument("--attach", action="store_true", help=argparse.SUPPRESS)
    made.add_argument("program", nargs="?", help="a Python file, or with -m a module's name")
    made.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program is given")
    return made


def program_of(given: argparse.Namespace) -> Program:
    """What the command line asks for. Raises ``ValueError`` with a sentence."""
    if given.program is None:
        if given.module:
            raise ValueError("-m needs the name of a module")
        return Program(str(resource("lessons", FIRST_LESSON)), python=given.python)
    path = given.program if given.module else os.path.abspath(given.program)
    return Program(path, tuple(given.arguments), given.module, given.python)


def main(arguments: list[str] | None = None) -> int:
    made = parser()
    given = made.parse_args(arguments)
    if given.attach:
        return attach()
    try:
        program = program_of(given)
    except ValueError as error:
        made.error(str(error))
    if rank() > 0 and given.program is not None:
        return run_plainly(program)  # one window is enough: that of rank 0
    from gradstep.gui.display import obstacle

    trouble = obstacle()
    if trouble:
        print(trouble, file=sys.stderr)
        return 1
    from gradstep.headstart import Headstart

    head = Headstart(program)
    try:
        from gradstep.gui.app import run

        return run(program, head.take_over)
    finally:
        head.close()


def run_plainly(program: Program) -> int:
    """Without gradstep, in the place of this process where that can be; its exit code."""
    python = program.python or sys.executable
    how = ["-m"] if program.module else []
    command = [python, *how, program.path, *program.args]
    if os.name == "posix":
        os.execvp(python, command)
    return subprocess.run(command, check=False).returncode


def attach() -> int:
    """The window of a program that waits in ``gradstep.breakpoint()``. What is said before it is
    connected, the program reads."""
    from gradstep.attached import Join, read_ticket, silence
    from gradstep.gui.display import obstacle

    try:
        ticket = read_ticket(sys.stdin.buffer.readline())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    trouble = obstacle()
    if trouble:
        print(trouble)
        return 1
    from gradstep.gui.app import run

    join = Join(ticket, silence)
    return run(join.program, join.take_over)


if __name__ == "__main__":
    sys.exit(main())
