"""Never imports torch: a perceptron in plain Python, and files written at exit."""

# phases: none; iterations: 0

import atexit
import random
import sys

log = open("weights.txt", "w")  # noqa: SIM115 - closed by Python at the end
atexit.register(lambda: print("bye", file=log))
random.seed(0)
w = [random.uniform(-1, 1) for _ in range(3)]
for _ in range(5):
    for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        wrong = (a and b) - (w[0] * a + w[1] * b + w[2] > 0)
        w = [w[0] + 0.1 * wrong * a, w[1] + 0.1 * wrong * b, w[2] + 0.1 * wrong]
    print(w)
sys.stdout.write("no newline at the end")
