"""The loop of most tutorials: clear, forward, backward, step; data from a loader, in epochs."""

# phases: zero_grad forward backward update; iterations: 6

import torch
import torch.nn as nn
import torch.optim as optim
from digest import show
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(42)
features = torch.randn(24, 5)
labels = (features.sum(1) > 0).long()
loader = DataLoader(TensorDataset(features, labels), batch_size=8, shuffle=True)


class Classifier(nn.Module):
    def __init__(self):
        super(Classifier, self).__init__()  # noqa: UP008 - as older tutorials write it
        self.fc1 = nn.Linear(5, 16)
        self.drop = nn.Dropout(0.2)
        self.fc2 = nn.Linear(16, 2)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        return self.fc2(self.drop(x))


model = Classifier()
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=1e-2)

for epoch in range(2):
    running_loss = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()  # @zero_grad
        outputs = model(inputs)  # @forward
        loss = criterion(outputs, targets)  # @forward
        loss.backward()  # @backward
        optimizer.step()  # @update
        running_loss += loss.item()
    print(f"epoch {epoch + 1}: loss {running_loss / len(loader):.6f}")
show(list(model.parameters()), optimizer.state_dict())
