"""Whether a window can be opened here, found out before Qt would abort the process."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

_PYSIDE = "PySide6-Essentials pyqtgraph"


def obstacle(environ: Mapping[str, str] = os.environ) -> str:
    """Why no window can be opened, and what to do; empty when nothing speaks against it."""
    if find_spec("PySide6") is None:
        return f"A window needs PySide6, which {sys.executable} lacks: pip install {_PYSIDE}"
    if not sys.platform.startswith("linux") or environ.get("QT_QPA_PLATFORM"):
        return ""
    if environ.get("WAYLAND_DISPLAY"):
        return ""
    display = environ.get("DISPLAY")
    if not display:
        return (
            "gradstep needs a screen, and DISPLAY is not set. Start it in a desktop session, "
            "over ssh -X, or use it without a window: gradstep.open() in Python."
        )
    return _missing_library() or _deaf(display)


def _missing_library() -> str:
    """Qt's plugin for X11 needs libraries that a small system may lack."""
    spec = find_spec("PySide6")
    if spec is None or spec.origin is None:
        return ""
    plugin = Path(spec.origin).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return lacking(_not_found(plugin) or [str(error).partition(":")[0]])
    return ""


def lacking(libraries: list[str]) -> str:
    """The sentence for ``libraries`` (their file names) that the system does not have."""
    packages = [_PACKAGES.get(name.partition(".so")[0], "") for name in libraries]
    missing = f"A window needs what this system lacks: {', '.join(libraries)}."
    if not all(packages):
        return missing
    return f"{missing} On Debian or Ubuntu: sudo apt install {' '.join(packages)}"


def _not_found(plugin: Path) -> list[str]:
    """All at once; loading names only the first."""
    try:
        asked = subprocess.run(["ldd", plugin], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = [line.split() for line in asked.stdout.splitlines() if "not found" in line]
    return sorted({words[0] for words in lines if words})


_PACKAGES = {
    "libxcb-cursor": "libxcb-cursor0",
    "libxcb-icccm": "libxcb-icccm4",
    "libxcb-image": "libxcb-image0",
    "libxcb-keysyms": "libxcb-keysyms1",
    "libxcb-randr": "libxcb-randr0",
    "libxcb-render-util": "libxcb-render-util0",
    "libxcb-shape": "libxcb-shape0",
    "libxcb-shm": "libxcb-shm0",
    "libxcb-sync": "libxcb-sync1",
    "libxcb-xfixes": "libxcb-xfixes0",
    "libxcb-xkb": "libxcb-xkb1",
    "libxkbcommon": "libxkbcommon0",
    "libxkbcommon-x11": "libxkbcommon-x11-0",
    "libX11-xcb": "libx11-xcb1",
    "libEGL": "libegl1",
    "libGL": "libgl1",
    "libdbus-1": "libdbus-1-3",
    "libfontconfig": "libfontconfig1",
    "libglib-2.0": "libglib2.0-0",
}


def _deaf(display: str) -> str:
    """Ask the X server itself, the way Qt will."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return ""
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return f"gradstep needs a screen, and none answers at DISPLAY={display}." if failed else ""
