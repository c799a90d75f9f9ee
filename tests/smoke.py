"""Start the installed ``gradstep`` on a real X server, press keys, look at the window.

Run by ``.ci/run``, not by pytest: ``python tests/smoke.py path/to/gradstep screenshot.png``.
Needs Xvfb and xdotool. It sees only what a person sees: the title, the picture, the exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEYS = (
    ("f", "Forward ended"),
    ("b", "Backward ended"),
    ("u", "Update ended"),
    ("z", "Zero grad ended"),
    ("F10", "Stopped after a step"),
    ("i", "The iteration ended"),
    ("f", "Forward ended"),
    ("F10", "Stopped after a step"),
)
"""What is pressed, and what the window's title then says."""
PATIENCE = 60.0
PHASES_AT_LEAST = {"forward": 200, "backward": 100}
"""Pixels in a phase's own colour that a window in mid-backward shows."""


class Failed(Exception):
    """The window did not do what it should; the message says what was seen instead."""


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen; its DISPLAY."""
    reading, writing = os.pipe()
    # It must not start anew when a client leaves and no other is there yet.
    options = ["-screen", "0", "1440x900x24", "-noreset"]
    command = ["Xvfb", "-displayfd", str(writing), *options]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        try:
            with os.fdopen(reading) as pipe:
                yield f":{pipe.readline().strip()}"
        finally:
            server.terminate()


def xdotool(*arguments: str) -> str:
    """Its output; empty when it found nothing."""
    result = subprocess.run(["xdotool", *arguments], capture_output=True, text=True, timeout=20)
    return result.stdout.strip()


def wait_for_title(window: str, words: str, process: subprocess.Popen[bytes]) -> float:
    """Seconds until the window's title contains ``words``."""
    began = time.monotonic()
    title = ""
    while time.monotonic() - began < PATIENCE:
        title = xdotool("getwindowname", window)
        if words in title:
            return time.monotonic() - began
        if process.poll() is not None:
            raise Failed(f"gradstep left with code {process.returncode} before it said {words!r}")
        time.sleep(0.02)
    raise Failed(f"the title is {title!r} after {PATIENCE:.0f} s and does not say {words!r}")


def find_window(process: subprocess.Popen[bytes]) -> str:
    """The id of the visible main window, once there is one."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        found = xdotool("search", "--onlyvisible", "--name", "gradstep").split()
        if found:
            return found[-1]
        if process.poll() is not None:
            raise Failed(f"gradstep left with code {process.returncode} before it had a window")
        time.sleep(0.02)
    raise Failed(f"no window after {PATIENCE:.0f} s")


def check_installed() -> None:
    """The package lies away from the checkout, with every file of ``resources/``."""
    import gradstep
    from gradstep.assets import resource

    checkout = Path(__file__).resolve().parents[1]
    package = Path(gradstep.__file__).resolve().parent
    if package.is_relative_to(checkout) and "site-packages" not in package.parts:
        raise Failed(f"gradstep is not installed, but in the checkout: {package}")
    wanted = {p.relative_to(checkout) for p in checkout.glob("resources/**/*") if p.is_file()}
    missing = [path for path in sorted(wanted) if not (package / path).is_file()]
    if missing or resource("lessons") != package / "resources" / "lessons":
        raise Failed(f"not in the wheel: {[str(path) for path in missing]}")
    print(f"  {len(wanted)} files of resources/ are installed", flush=True)


def photograph(file: str) -> None:
    """Save the screen, and see that phases are on it in their colours."""
    import numpy as np
    from PySide6.QtGui import QGuiApplication, QImage

    from gradstep.gui.theme import theme
    from gradstep.phases import Phase

    app = QGuiApplication([])
    picture = app.primaryScreen().grabWindow(0)
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    image = picture.toImage().convertToFormat(QImage.Format.Format_ARGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32)
    for name, least in PHASES_AT_LEAST.items():
        found = np.count_nonzero(pixels == theme().phase(Phase(name)).solid.rgb())
        if found < least:
            raise Failed(f"only {found} pixels of the screen are in the colour of {name}")


def try_it(gradstep: str, picture: str, home: str) -> None:
    environ = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"}
    environ.pop("QT_QPA_PLATFORM", None)
    environ.pop("PYTHONPATH", None)
    began = time.monotonic()
    errors = Path(home, "stderr")
    with (
        errors.open("wb") as stderr,
        subprocess.Popen([gradstep], cwd=home, env=environ, stderr=stderr) as process,
    ):
        try:
            window = find_window(process)
            print(f"  window after {time.monotonic() - began:.1f} s", flush=True)
            wait_for_title(window, "Nothing has run yet", process)
            print(f"  program loaded after {time.monotonic() - began:.1f} s", flush=True)
            xdotool("windowfocus", "--sync", window)
            for key, words in KEYS:
                xdotool("key", key)
                seconds = wait_for_title(window, words, process)
                print(f"  {key:>3}: {words} after {1000 * seconds:.0f} ms", flush=True)
            time.sleep(0.5)  # the last wave along an edge has ended
            photograph(picture)
            xdotool("key", "ctrl+q")
            code = process.wait(20)
        except (Failed, subprocess.TimeoutExpired) as failure:
            raise Failed(f"{failure}\n{errors.read_text()}") from None
        finally:
            process.kill()
    said = errors.read_text()
    if code != 0 or said:
        raise Failed(f"gradstep left with code {code} and said on standard error:\n{said}")


def main() -> int:
    gradstep, picture = sys.argv[1:]
    with screen() as display, tempfile.TemporaryDirectory() as home:
        os.environ["DISPLAY"] = display
        os.environ["QT_QPA_PLATFORM"] = "xcb"
        try:
            check_installed()
            try_it(gradstep, picture, home)
        except Failed as failure:
            print(f"  FAILED: {failure}", flush=True)
            return 1
    print(f"  picture: {picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
