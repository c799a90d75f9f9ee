"""An encoder and a decoder with attention and teacher forcing, an optimizer for each."""

# phases: zero_grad zero_grad forward backward update update; iterations: 4

import random

import torch
from digest import show
from torch import nn

random.seed(3)
torch.manual_seed(3)
SOS, EOS, hidden_size, size = 0, 1, 8, 9


class EncoderRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(size, hidden_size), nn.GRU(hidden_size, hidden_size)

    def forward(self, input, hidden):
        return self.gru(self.embedding(input).view(1, 1, -1), hidden)


class AttnDecoderRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.gru = nn.Embedding(size, hidden_size), nn.GRU(hidden_size, hidden_size)
        self.attn = nn.Linear(2 * hidden_size, 5)
        self.out, self.dropout = nn.Linear(hidden_size, size), nn.Dropout(0.1)

    def forward(self, input, hidden, encoder_outputs):
        embedded = self.dropout(self.embedding(input).view(1, 1, -1))
        weights = torch.softmax(self.attn(torch.cat((embedded[0], hidden[0]), 1)), 1)
        applied = torch.bmm(weights.unsqueeze(0), encoder_outputs.unsqueeze(0))
        output, hidden = self.gru(torch.relu(embedded + applied), hidden)
        return torch.log_softmax(self.out(output[0]), 1), hidden, weights


def train(input, target):
    hidden = torch.zeros(1, 1, hidden_size)
    encoder_optimizer.zero_grad()  # @zero_grad
    decoder_optimizer.zero_grad()  # @zero_grad
    encoder_outputs = torch.zeros(5, hidden_size)
    for ei in range(input.size(0)):
        output, hidden = encoder(input[ei], hidden)  # @forward
        encoder_outputs[ei] = output[0, 0]  # @forward
    loss = 0
    decoder_input = torch.tensor([[SOS]])
    forcing = random.random() < 0.5
    for di in range(target.size(0)):
        output, hidden, _ = decoder(decoder_input, hidden, encoder_outputs)  # @forward
        loss += criterion(output, target[di])  # @forward
        _, topi = output.topk(1)  # @forward
        decoder_input = target[di] if forcing else topi.squeeze().detach()
        if decoder_input.item() == EOS:
            break
    loss.backward()  # @backward
    encoder_optimizer.step()  # @update
    decoder_optimizer.step()  # @update
    return loss.item() / target.size(0)


encoder, decoder = EncoderRNN(), AttnDecoderRNN()
encoder_optimizer = torch.optim.SGD(encoder.parameters(), lr=0.05)
decoder_optimizer = torch.optim.SGD(decoder.parameters(), lr=0.05)
criterion = nn.NLLLoss()
pairs = [([2, 3, 4, 1], [4, 3, 1]), ([5, 6, 1], [6, 5, 1]), ([7, 8, 2, 3, 1], [2, 1])]
for n in range(4):
    source, target = random.choice(pairs)
    print(n, train(torch.tensor(source).view(-1, 1), torch.tensor(target).view(-1, 1)))
show([encoder.state_dict(), decoder.state_dict()])
