"""The devices that this interpreter's torch really offers."""

from __future__ import annotations

import platform

import torch

from gradstep.protocol.trace import Device


def available() -> tuple[Device, ...]:
    """The CPU first, then every accelerator by name."""
    found = [Device("cpu", _processor())]
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(i)
            found.append(Device(f"cuda:{i}", properties.name, int(properties.total_memory)))
    xpu = getattr(torch, "xpu", None)
    if xpu is not None and xpu.is_available():
        found += [
            Device(f"xpu:{i}", str(xpu.get_device_name(i))) for i in range(xpu.device_count())
        ]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    return tuple(found)


def _processor() -> str:
    return platform.processor() or platform.machine() or "processor"
