"""Truncated backpropagation through time: states are repackaged, weights are moved by hand."""

# phases: zero_grad forward backward update; iterations: 5

import math

import torch
from digest import show
from torch import nn


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid):
        super().__init__()
        self.encoder, self.rnn = nn.Embedding(ntoken, ninp), nn.LSTM(ninp, nhid)
        self.decoder, self.ntoken, self.nhid = nn.Linear(nhid, ntoken), ntoken, nhid

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.encoder(input), hidden)
        return torch.log_softmax(self.decoder(output).view(-1, self.ntoken), 1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(1, bsz, self.nhid), weight.new_zeros(1, bsz, self.nhid)


def repackage_hidden(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


torch.manual_seed(1111)
data = torch.randint(0, 10, (21, 3))
model = RNNModel(10, 6, 7)
criterion, lr, bptt, total_loss = nn.NLLLoss(), 2.0, 4, 0.0
hidden = model.init_hidden(3)
for batch, i in enumerate(range(0, data.size(0) - 1, bptt)):
    seq_len = min(bptt, len(data) - 1 - i)
    source, targets = data[i : i + seq_len], data[i + 1 : i + 1 + seq_len].view(-1)
    model.zero_grad()  # @zero_grad
    hidden = repackage_hidden(hidden)
    output, hidden = model(source, hidden)  # @forward
    loss = criterion(output, targets)  # @forward
    loss.backward()  # @backward
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)  # @update
    for p in model.parameters():
        p.data.add_(p.grad, alpha=-lr)  # @update
    total_loss += loss.item()
    print(f"| {batch} | loss {total_loss / (batch + 1):5.4f} | ppl {math.exp(loss.item()):8.4f}")
show(list(model.parameters()))
