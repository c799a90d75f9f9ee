"""Reads standard input."""

import sys

print("name?", flush=True)
print("hello", sys.stdin.readline().strip())
