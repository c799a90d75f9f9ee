"""Reads memory that is not there."""

import ctypes

print("crashing", flush=True)
ctypes.string_at(8)
