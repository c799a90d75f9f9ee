"""Inf where it is meant, and steps that a scaler skips: nothing here is wrong."""

import torch
from torch import nn

torch.manual_seed(0)
attend = nn.MultiheadAttention(8, 2, batch_first=True)
head = nn.Linear(8, 5)
parameters = [*attend.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(parameters, lr=1e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=2)
later = torch.full((4, 4), float("-inf")).triu(1)
forbidden = torch.tensor([False, True, False, False, False])
skipped = 0
for _ in range(40):
    x, target = torch.randn(2, 4, 8), torch.zeros(8, dtype=torch.long)
    with torch.autocast("cpu", dtype=torch.float16):
        y, _ = attend(x, x, x, attn_mask=later)
        scores = (y @ y.transpose(1, 2)) + later
        y = y + torch.softmax(scores.masked_fill(later.isinf(), float("-inf")), -1) @ y
        logits = head(y).flatten(0, 1).masked_fill(forbidden, -torch.inf)
    logs = torch.log_softmax(logits.float(), -1)
    loss = nn.functional.nll_loss(logs, target)
    optimizer.zero_grad()
    before = scaler.get_scale()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    skipped += scaler.get_scale() < before
print(skipped > 1, scaler.get_scale(), loss.item())
