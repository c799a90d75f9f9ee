"""A siamese network on pairs, then an InfoNCE loss with a temperature that is learned."""

# phases: forward backward update zero_grad; iterations: 4

import torch
from digest import show
from torch import nn
from torch.nn import functional as F


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)
        )
        self.logit_scale = nn.Parameter(torch.ones([]) * 2.0)

    def forward_once(self, x):
        return F.normalize(self.backbone(x), dim=1)  # @forward

    def forward(self, a, b):
        return self.forward_once(a), self.forward_once(b)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, label):
        d = F.pairwise_distance(a, b)
        return (
            label * d.pow(2) + (1 - label) * torch.clamp(self.margin - d, min=0.0).pow(2)
        ).mean()


torch.manual_seed(4)
net, criterion = SiameseNetwork(), ContrastiveLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
history = []
for step in range(4):
    a = torch.randn(6, 6)
    b, label = a + 0.1 * torch.randn(6, 6), torch.randint(0, 2, (6,)).float()
    za, zb = net(a, b)  # @forward
    logits = net.logit_scale.exp() * za @ zb.t()  # @forward
    nce = F.cross_entropy(logits, torch.arange(6))  # @forward
    loss = criterion(za, zb, label) + 0.5 * nce  # @forward
    loss.backward()  # @backward
    opt.step()  # @update
    with torch.no_grad():
        net.logit_scale.clamp_(0, 4.6)  # @update
    opt.zero_grad()  # @zero_grad
    accuracy = (logits.argmax(1) == torch.arange(6)).float().mean()
    history.append(loss)
    print(step, loss.item(), F.cosine_similarity(za, zb).mean().item(), accuracy.item())
print(sum(history).item() / len(history))
show(list(net.parameters()), opt.state_dict())
