import torch

torch.manual_seed(0)
weight = torch.randn(3, requires_grad=True)
