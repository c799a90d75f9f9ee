"""Runs inside the user's process, beside their program: torch and the standard library only.

User code runs in the main thread and waits in exactly one place, the gate. One other thread, the
link, reads commands and answers questions while the program stands still.
"""
