"""A GAN after the DCGAN example: two backwards for the discriminator, one for the generator.

The discriminator's step ends an iteration, and the generator's another."""

# phases: zero_grad forward backward forward backward update; iterations: 6

import torch
from digest import show
from torch import nn

torch.manual_seed(999)
netG = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(True), nn.Linear(8, 2))
netD = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(8, 1))
criterion = nn.BCEWithLogitsLoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
for i in range(3):
    netD.zero_grad()  # @zero_grad
    real = torch.randn(5, 2)
    label = torch.full((5,), 1.0)
    output = netD(real).view(-1)  # @forward
    errD_real = criterion(output, label)  # @forward
    errD_real.backward()  # @backward
    fake = netG(torch.randn(5, 4))  # @forward
    label.fill_(0.0)
    output = netD(fake.detach()).view(-1)  # @forward
    errD_fake = criterion(output, label)  # @forward
    errD_fake.backward()  # @backward
    optimizerD.step()  # @update
    netG.zero_grad()  # @zero_grad
    label.fill_(1.0)
    output = netD(fake).view(-1)  # @forward
    errG = criterion(output, label)  # @forward
    errG.backward()  # @backward
    # A penalty on the generator's weights, sent back by itself.
    sum(p.square().sum() for p in netG.parameters()).mul(1e-4).backward()  # @backward @forward
    optimizerG.step()  # @update
    print("[%d/3] Loss_D: %.6f Loss_G: %.6f" % (i, errD_real + errD_fake, errG))  # noqa: UP031
show([netG.state_dict(), netD.state_dict()], optimizerD.state_dict(), optimizerG.state_dict())
