"""Low-rank adaptation: the base is frozen, adapters are trained and merged at the end."""

# phases: forward backward update zero_grad; iterations: 4

import torch
from digest import show
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base, r=2, alpha=4):
        super().__init__()
        self.base, self.scaling = base, alpha / r
        self.lora_A = nn.Parameter(torch.randn(r, base.in_features) * 0.1)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, r))
        base.requires_grad_(False)

    def forward(self, x):
        return self.base(x) + (x @ self.lora_A.T @ self.lora_B.T) * self.scaling

    @torch.no_grad()
    def merge(self):
        self.base.weight += self.scaling * self.lora_B @ self.lora_A
        return self.base


torch.manual_seed(8)
model = nn.Sequential(nn.Linear(5, 8), nn.GELU(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 2))
for name, module in list(model.named_children()):
    if isinstance(module, nn.Linear):
        setattr(model, name, LoRALinear(module))
trainable = [p for p in model.parameters() if p.requires_grad]
print(sum(p.numel() for p in trainable), "of", sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.AdamW(trainable, lr=1e-2, weight_decay=0.01)
for step in range(4):
    x, y = torch.randn(7, 5), torch.randint(0, 2, (7,))
    logits = model(x)  # @forward
    loss = nn.functional.cross_entropy(logits, y)  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    optimizer.zero_grad()  # @zero_grad
    perplexity = torch.exp(loss)
    print(step, loss.item(), perplexity.item())
for name, module in list(model.named_children()):
    if isinstance(module, LoRALinear):
        setattr(model, name, module.merge())
print(model(x).sum().item())
show(model.state_dict(), optimizer.state_dict())
