"""Correct programs that look like one of the mistakes. The argument names which."""

import copy
import sys

import torch
from torch import nn
from torch.optim import lr_scheduler

torch.manual_seed(0)
STEPS = 12
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)


def loss_of(net=model):
    return net(torch.randn(6, 4)).square().mean()


def train(net=model, by=optimizer, steps=STEPS):
    for _ in range(steps):
        by.zero_grad()
        loss = loss_of(net)
        loss.backward()
        by.step()
    return loss.item()


def accumulation():
    for step in range(STEPS):
        loss_of().backward()
        if step % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()


def decayed():
    """Old gradients are kept on purpose, a tenth of them."""
    for _ in range(STEPS):
        loss_of().backward()
        optimizer.step()
        for p in model.parameters():
            p.grad.mul_(0.1)


def adversary():
    """Each optimizer's gradients are filled by the other's loss before it clears them."""
    critic = nn.Linear(1, 1)
    second = torch.optim.Adam(critic.parameters())
    for _ in range(STEPS):
        second.zero_grad()
        critic(model(torch.randn(6, 4))).mean().backward()
        second.step()
        optimizer.zero_grad()
        (-critic(model(torch.randn(6, 4))).mean()).backward()
        optimizer.step()


def attack():
    """Gradients of the input; those of the model pile up and are never used."""
    x = torch.randn(6, 4)
    for _ in range(STEPS):
        x = (x + 0.1).detach().requires_grad_()
        model(x).sum().backward()
        x = x + 0.01 * x.grad.sign()


def quieted():
    """One step without gradients, so that the scheduler does not warn."""
    schedule = lr_scheduler.StepLR(optimizer, 100)
    optimizer.step()
    schedule.step()
    train()


def retained():
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward(retain_graph=True)
        loss.backward()
        optimizer.step()


def harmless():
    """In-place changes that backward does not mind."""
    for _ in range(STEPS):
        optimizer.zero_grad()
        y = model(torch.randn(6, 4))
        y += 1
        y.mul_(2)
        torch.relu_(y).sum().backward()
        optimizer.step()


def truncated():
    """A state goes from one iteration to the next, detached."""
    cell = nn.RNNCell(4, 4)
    by = torch.optim.SGD(cell.parameters(), lr=0.01)
    state, states = torch.zeros(6, 4), []
    for _ in range(STEPS):
        by.zero_grad()
        state = cell(torch.randn(6, 4), state.detach())
        states.append(state.detach())
        state.square().mean().backward()
        by.step()


def summed():
    """Losses are added up and sent back together; only numbers are kept."""
    history, best = [], None
    for _ in range(STEPS):
        optimizer.zero_grad()
        total, parts = 0, []
        for _ in range(4):
            parts.append(loss_of())
            total = total + parts[-1]
        total.backward()
        optimizer.step()
        history.append(total.item())
        best = total if best is None or total < best else best


def mixture():
    """Only one of several experts is used at a time, the last of them late."""
    experts = nn.ModuleList([nn.Linear(4, 1) for _ in range(4)])
    by = torch.optim.SGD(experts.parameters(), lr=0.01)
    for step in range(30):
        by.zero_grad()
        loss_of(experts[(0, 1, 1, 0, 2, 0, 1, 2)[step % 8] if step < 24 else 3]).backward()
        by.step()


def frozen():
    """Frozen, and in no optimizer."""
    model[0].requires_grad_(False)
    train(by=torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01))


def image():
    """An image is moved through a network that stays as it is."""
    x = torch.randn(6, 4, requires_grad=True)
    by = torch.optim.Adam([x])
    for _ in range(STEPS):
        by.zero_grad()
        model(x).square().mean().backward()
        by.step()


def perceptual():
    """The loss is measured by a network in eval mode that nobody trains."""
    judge = copy.deepcopy(model).eval()
    front = nn.Linear(4, 4)
    by = torch.optim.Adam(front.parameters())
    for _ in range(STEPS):
        by.zero_grad()
        judge(front(torch.randn(6, 4))).mean().backward()
        by.step()


def half_by_hand():
    """One part is moved by the optimizer, another by hand."""
    by = torch.optim.SGD(model[0].parameters(), lr=0.01)
    for _ in range(STEPS):
        model.zero_grad()
        loss_of().backward()
        by.step()
        with torch.no_grad():
            for p in model[1:].parameters():
                p -= 0.01 * p.grad


def averaged():
    """A slow copy follows the model, and is evaluated."""
    slow = copy.deepcopy(model).eval()
    for _ in range(STEPS):
        train(steps=1)
        with torch.no_grad():
            for a, b in zip(slow.parameters(), model.parameters(), strict=True):
                a.lerp_(b, 0.1)
            loss_of(slow)


def whole_data():
    """An epoch is one update; the schedule falls far."""
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(20):
        train(steps=1)
        schedule.step()


def folds():
    """Every fold has its own optimizer and schedule."""
    for _ in range(3):
        net = nn.Linear(4, 1)
        by = torch.optim.SGD(net.parameters(), lr=0.1)
        schedule = lr_scheduler.ExponentialLR(by, 0.4)
        plateau = lr_scheduler.ReduceLROnPlateau(by, patience=0)
        for _ in range(12):
            by.zero_grad()
            loss = loss_of(net)
            loss.backward()
            by.step()
            schedule.step()
            plateau.step(loss.detach())


def per_batch():
    """Schedules that are meant for every batch."""
    one = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=24)
    slow = lr_scheduler.ExponentialLR(optimizer, 0.9999)
    for _ in range(2):
        for _ in range(12):
            train(steps=1)
            one.step()
            slow.step()


def per_epoch():
    schedule = lr_scheduler.StepLR(optimizer, 1, 0.1)
    for _ in range(8):
        for _ in range(3):
            train(steps=1)
        schedule.step()


def fine_tuned():
    """In eval mode from the start, on purpose."""
    model.eval()
    train()


def frozen_norm():
    """Batch norm goes on by its averages, the rest in train mode."""
    train()
    model[1].eval()
    train()


def validated():
    for _ in range(3):
        model.train()
        train(steps=4)
        model.eval()
        with torch.no_grad():
            loss_of()


globals()[sys.argv[1]]()
print(sum(p.double().sum() for p in model.parameters()).item())
