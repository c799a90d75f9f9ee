"""WGAN with a gradient penalty: the critic steps each time, the generator every second."""

# phases: varies; iterations: 6

import torch
from digest import show
from torch import autograd, nn


def compute_gradient_penalty(D, real_samples, fake_samples):
    alpha = torch.rand(real_samples.size(0), 1)
    mixed = (alpha * real_samples + (1 - alpha) * fake_samples).requires_grad_(True)
    d_interpolates = D(mixed)  # @forward
    gradients = autograd.grad(  # @backward
        outputs=d_interpolates,
        inputs=mixed,
        grad_outputs=torch.ones(real_samples.shape[0], 1),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    return ((gradients.view(gradients.size(0), -1).norm(2, dim=1) - 1) ** 2).mean()  # @forward


torch.manual_seed(6)
generator = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 2))
discriminator = nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
optimizer_G = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9))
optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.9))
for i in range(4):
    real_imgs = torch.randn(6, 2) + 1
    optimizer_D.zero_grad()  # @zero_grad
    z = torch.randn(6, 3)
    fake_imgs = generator(z)  # @forward
    real_validity, fake_validity = discriminator(real_imgs), discriminator(fake_imgs)  # @forward
    gp = compute_gradient_penalty(discriminator, real_imgs.data, fake_imgs.data)
    d_loss = -torch.mean(real_validity) + torch.mean(fake_validity) + 10 * gp  # @forward
    d_loss.backward()  # @backward
    optimizer_D.step()  # @update
    optimizer_G.zero_grad()  # @zero_grad
    if i % 2 == 0:
        fake_imgs = generator(z)  # @forward
        g_loss = -torch.mean(discriminator(fake_imgs))  # @forward
        g_loss.backward()  # @backward
        optimizer_G.step()  # @update
        print(f"[{i}] [D loss: {d_loss.item():f}] [G loss: {g_loss.item():f}] {gp.item():f}")
show([generator.state_dict(), discriminator.state_dict()], optimizer_G.state_dict())
