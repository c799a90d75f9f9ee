"""Train and validate: eval mode, no_grad, inference_mode, early stopping with a checkpoint file."""

# phases: zero_grad forward backward update; iterations: 6

import torch
from digest import show
from torch import nn

torch.manual_seed(0)


def train(model, loader, optimizer):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()  # @zero_grad
        loss = nn.functional.nll_loss(model(data), target)  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update


def test(model, loader, guard):
    model.eval()
    total, correct = 0.0, 0
    with guard():
        for data, target in loader:
            output = model(data)
            total += nn.functional.nll_loss(output, target, reduction="sum").item()
            correct += (
                output.argmax(1, keepdim=True)
                .eq(target.view_as(output.argmax(1, True)))
                .sum()
                .item()
            )
    return total / 8, correct


sets = [(torch.randn(4, 5), torch.randint(0, 3, (4,))) for _ in range(4)]
model = nn.Sequential(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.Dropout(), nn.ReLU(), nn.Linear(9, 3))
model.append(nn.LogSoftmax(1))
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
best = float("inf")
print("before training", test(model, sets[2:], torch.no_grad))
for epoch in range(3):
    train(model, sets[:2], optimizer)
    loss, correct = test(model, sets[2:], torch.inference_mode if epoch else torch.no_grad)
    scheduler.step(loss)
    print(f"Test set {epoch}: average loss {loss:.6f}, accuracy {correct}/8")
    if loss < best:
        best = loss
        torch.save(model.state_dict(), "best.pt")
show(model.state_dict(), optimizer.state_dict())
