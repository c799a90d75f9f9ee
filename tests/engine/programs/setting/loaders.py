"""A loader with worker processes; the first argument says how they are started."""

# phases: zero_grad forward backward update; iterations: 4

import sys

import torch
from digest import show
from torch.utils.data import DataLoader, Dataset


class Noise(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        x = torch.randn(3) + index
        return x, x.sum()


def main():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    loader = DataLoader(
        Noise(), batch_size=2, shuffle=True, num_workers=2, multiprocessing_context=sys.argv[1]
    )
    for x, y in loader:
        optimizer.zero_grad()  # @zero_grad
        loss = torch.nn.functional.mse_loss(model(x).squeeze(1), y)  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
        print(f"{loss.item():.8f}")
    show(list(model.parameters()))


if __name__ == "__main__":
    main()
