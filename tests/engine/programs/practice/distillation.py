"""Knowledge distillation: a frozen teacher, a student, soft targets at a temperature."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn
from torch.nn import functional as F

torch.manual_seed(5)
teacher = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3))
student = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
for param in teacher.parameters():
    param.requires_grad = False
teacher.eval()
optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=4)
T, alpha = 4.0, 0.7
for step in range(4):
    x, y = torch.randn(8, 5), torch.randint(0, 3, (8,))
    optimizer.zero_grad()  # @zero_grad
    soft = teacher(x)
    student_logits = student(x)  # @forward
    hard_loss = F.cross_entropy(student_logits, y)  # @forward
    soft_loss = F.kl_div(  # @forward
        F.log_softmax(student_logits / T, dim=1),  # @forward
        F.softmax(soft / T, dim=1),
        reduction="batchmean",
    ) * (T * T)
    loss = alpha * soft_loss + (1 - alpha) * hard_loss  # @forward
    loss.backward()  # @backward
    optimizer.step()  # @update
    scheduler.step()
    print(step, hard_loss.item(), soft_loss.item(), scheduler.get_last_lr()[0])
    print((student_logits.softmax(1) - soft.softmax(1)).abs().max().item())
show(list(student.parameters()), optimizer.state_dict())
