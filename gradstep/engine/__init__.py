"""Runs inside the user's process, beside their program: torch and the standard library only.

User code runs in the main thread and waits in exactly one place, the gate. Of the link's threads
one hears commands, and one answers questions while the program stands still.
"""
