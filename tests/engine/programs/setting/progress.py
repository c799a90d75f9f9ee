"""A progress bar on standard error that rewrites its line; lambda schedule; logging."""

# phases: zero_grad forward backward update; iterations: 5

import logging
import sys

import torch
from digest import show

logging.basicConfig(format="%(levelname)s %(name)s %(message)s", level=logging.INFO)
log = logging.getLogger("train")


def bar(items, width=10):
    for i, item in enumerate(items, 1):
        yield item
        done = width * i // len(items)
        sys.stderr.write(f"\r|{'█' * done}{' ' * (width - done)}| {i}/{len(items)}")
        sys.stderr.flush()
    sys.stderr.write("\n")


torch.manual_seed(0)
model = torch.nn.Bilinear(2, 2, 1)
optimizer = torch.optim.NAdam(model.parameters())
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch)
for x in bar(torch.randn(5, 3, 2)):
    optimizer.zero_grad()  # @zero_grad
    loss = model(x, x.flip(1)).abs().sum()  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    schedule.step()
log.info("loss %.7f", loss)
print("π ≈ 3.14159, 损失", loss.item())
show(list(model.parameters()), optimizer.state_dict())
