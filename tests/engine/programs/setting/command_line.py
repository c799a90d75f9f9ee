"""Arguments, a main function, files beside the script and in the working folder, an exit code."""

# phases: zero_grad forward backward update; iterations: 4

import argparse
import os
import sys
from pathlib import Path

import torch
from digest import show
from local_model import make_model


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("rest", nargs="*")
    args = parser.parse_args(argv)
    print(args, Path(__file__).name, os.path.basename(sys.argv[0]))
    os.makedirs("out", exist_ok=True)
    os.chdir("out")
    torch.manual_seed(0)
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    name = input("name? ")
    for _ in range(args.epochs):
        optimizer.zero_grad()  # @zero_grad
        loss = model(torch.randn(4, 2)).pow(2).mean()  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
        print(name, loss.item(), file=sys.stderr)
    Path("log.txt").write_text(f"{name} {loss.item()!r}\n")
    show(list(model.parameters()))
    return 3


if __name__ == "__main__":
    sys.exit(main())
