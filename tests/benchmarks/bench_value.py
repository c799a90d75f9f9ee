"""How soon a tensor of ten million elements is seen: its first numbers or picture, its statistics
and its histogram, from the engine of a real program. Medians of one run, beside one plain pass of
torch over the same tensor.

    python tests/benchmarks/bench_value.py [--elements 10000000] [--repeats 9]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gradstep
from gradstep.protocol.values import Fetched

PROGRAM = """
import time
import torch
big = torch.randn({rows}, 1000)
times = []
for _ in range({repeats}):
    begun = time.perf_counter()
    big.double().std()
    times.append(time.perf_counter() - begun)
print(sorted(times)[len(times) // 2])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    rows = given.elements // 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(PROGRAM.format(rows=rows, repeats=given.repeats))
        with gradstep.open(path) as program:
            program.run()
            plain = float(program.output.split()[-1])
            step = 1
            while (rows // step) * (1000 // step) > 1 << 20:
                step += 1

            def screen(**window: object) -> None:
                program.request("value", Fetched, ref="big", **window).result()

            first = _median(given.repeats, lambda: screen(rows=(0, 64), columns=(0, 32)))
            picture = _median(given.repeats, lambda: screen(step=step))
            numbers = _median(given.repeats, lambda: program.statistics("big"))
            bars = _median(given.repeats, lambda: program.histogram("big"))
    print(f"plain torch, one std in float64   {plain * 1000:7.1f} ms")
    print(f"first screen of numbers           {first * 1000:7.1f} ms")
    print(f"picture                           {picture * 1000:7.1f} ms")
    print(
        f"statistics                        {numbers * 1000:7.1f} ms  {numbers / plain:.2f} of std"
    )
    print(f"numbers and statistics            {(first + numbers) * 1000:7.1f} ms  (at most 200)")
    print(f"histogram                         {bars * 1000:7.1f} ms")


def _median(repeats: int, run: Callable[[], object]) -> float:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


if __name__ == "__main__":
    main()
