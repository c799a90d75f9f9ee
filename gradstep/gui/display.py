"""Whether a window can be opened here, found out before Qt would abort the process."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path


def obstacle(environ: Mapping[str, str] = os.environ) -> str:
    """Why no window can be opened, and what to do; empty when nothing speaks against it."""
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
    """Qt's plugin for X11 needs libraries that a small system may lack; loading it names them."""
    spec = find_spec("PySide6")
    if spec is None or spec.origin is None:
        return "PySide6 is not installed: pip install PySide6-Essentials"
    plugin = Path(spec.origin).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        library = str(error).partition(":")[0]
        if library.startswith("lib") and "Qt6" not in library:
            package = _PACKAGES.get(library.partition(".so")[0], "")
            hint = f" On Debian or Ubuntu: apt install {package}" if package else ""
            return f"The system lacks {library}, which a window needs.{hint}"
    return ""


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
