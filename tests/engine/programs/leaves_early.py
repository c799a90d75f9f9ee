"""Leaves with a code of its own, after output in an exit handler."""

import atexit
import sys

atexit.register(lambda: print("bye"))
print(sys.argv[1:])
sys.exit(3)
