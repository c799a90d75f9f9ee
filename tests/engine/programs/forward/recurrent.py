"""A character RNN, one cell called for every letter; lines have different lengths."""

# phases: zero_grad forward backward update; iterations: 4

import torch
from digest import show
from torch import nn

letters = "abcdefghijklmnopqrstuvwxyz"


class RNN(nn.Module):
    def __init__(self, size, hidden):
        super().__init__()
        self.hidden = hidden
        self.i2h = nn.Linear(size + hidden, hidden)
        self.i2o = nn.Linear(size + hidden, 3)

    def forward(self, letter, state):
        combined = torch.cat((letter, state), 1)
        return torch.log_softmax(self.i2o(combined), 1), torch.tanh(self.i2h(combined))


def one_hot(word):
    rows = torch.zeros(len(word), 1, len(letters))
    for position, letter in enumerate(word):
        rows[position][0][letters.index(letter)] = 1
    return rows


torch.manual_seed(0)
rnn = RNN(len(letters), 8)
for word, category in [("satoshi", 0), ("ada", 1), ("wei", 2), ("grace", 1)]:
    line, state = one_hot(word), torch.zeros(1, rnn.hidden)
    rnn.zero_grad()  # @zero_grad
    for i in range(line.size(0)):
        output, state = rnn(line[i], state)  # @forward
    loss = nn.functional.nll_loss(output, torch.tensor([category]))  # @forward
    loss.backward()  # @backward
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-0.005)  # @update
    print(word, loss.item())
show(list(rnn.parameters()))
