"""What a user's file returns when it wants the four phases in any order.

The same four methods train with plain ``python`` (``run``) and under gradstep, so what is
debugged is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer


class Experiment:
    """A model, a loss, what to train, and the data.

    ``model(x)`` gives the prediction, ``loss(prediction, y)`` a scalar; without ``loss`` the
    model's result is itself what backward starts from. ``data`` is a sequence of samples
    ``(x, y)`` (or just ``x`` without a loss). Train either with an ``optimizer`` or with
    ``parameters`` and a ``learning_rate`` (plain gradient descent). ``parameters`` may be a mapping
    from names to leaf tensors; an ``nn.Module``'s own are found by themselves."""

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        data: Iterable[Any],
        loss: Callable[..., Any] | None = None,
        optimizer: Optimizer | None = None,
        parameters: Mapping[str, Tensor] | Iterable[Tensor] | None = None,
        learning_rate: float | None = None,
        epochs: int = 1,
        title: str = "",
    ) -> None:
        self.model, self.loss_function = model, loss
        self.data: Sequence[Any] = data if isinstance(data, Sequence) else list(data)
        self.optimizer, self.learning_rate = optimizer, learning_rate
        self.epochs, self.title = epochs, title
        self.named_parameters = _named(parameters, model)
        self.prediction: Any = None
        self.loss: Any = None
        if not len(self.data):
            raise ValueError("Experiment needs at least one sample in data")
        if optimizer is None and self.named_parameters and learning_rate is None:
            raise ValueError("Experiment needs an optimizer, or parameters and a learning_rate")

    def forward(self, sample: int) -> Any:
        """Compute prediction and loss of ``data[sample]`` and return the loss."""
        if self.loss_function is None:
            self.prediction = self.loss = self.model(self.data[sample])
        else:
            x, y = self.data[sample]
            prediction = self.prediction = self.model(x)
            self.loss = self.loss_function(prediction, y)
        return self.loss

    def backward(self) -> None:
        """Add the gradient of the last loss to every ``.grad``.

        Raises ``RuntimeError`` before the first forward, and PyTorch's own on a freed graph."""
        if self.loss is None:
            raise RuntimeError("backward before the first forward: there is no loss yet")
        self.loss.backward()

    def update(self) -> None:
        """One step of the optimizer, or ``p -= learning_rate * p.grad`` by hand."""
        if self.optimizer is not None:
            self.optimizer.step()
            return
        import torch

        with torch.no_grad():
            for p in self.named_parameters.values():
                if p.grad is not None:
                    p -= self.learning_rate * p.grad

    def zero_grad(self) -> None:
        """Clear the gradients as the optimizer does, or ``p.grad.zero_()`` by hand."""
        if self.optimizer is not None:
            self.optimizer.zero_grad()
            return
        for p in self.named_parameters.values():
            if p.grad is not None:
                p.grad.zero_()

    def run(self, report: Callable[[int, float], None] | None = None) -> None:
        """Train for ``epochs``; call ``report(epoch, loss)`` after each (epochs count from 1)."""
        for epoch in range(1, self.epochs + 1):
            for sample in range(len(self.data)):
                self.forward(sample)
                self.backward()
                self.update()
                self.zero_grad()
            if report is not None:
                report(epoch, self.loss.item())


def _named(parameters: Any, model: Any) -> dict[str, Any]:
    if parameters is None:
        named = getattr(model, "named_parameters", None)
        return dict(named()) if callable(named) else {}
    if isinstance(parameters, Mapping):
        return dict(parameters)
    return {f"parameter{i}": p for i, p in enumerate(parameters)}
