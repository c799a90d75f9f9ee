"""Optimizers taken apart: the same arithmetic as ``step()``, line by line, on copies.

One row of the table for each optimizer, keyed by its class. Each follows the algorithm in
PyTorch's documentation of that class; computed in the parameter's own type, so that the result is
what the optimizer comes to, to a rounding (its loops over many tensors round in another order).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


class NotTold(Exception):
    """This update cannot be taken apart; the message says why."""


@dataclass
class Line:
    """``numbers`` is a template: ``{g}`` stands for the followed element of the line called g."""

    symbol: str
    formula: str
    numbers: str
    value: Tensor


@dataclass
class Work:
    """An update under way. ``state`` and ``options`` are the optimizer's own, only read."""

    parameter: Tensor
    gradient: Tensor
    options: Mapping[str, Any]
    state: Mapping[str, Any]
    lines: list[Line] = field(default_factory=list)
    used: dict[str, float] = field(default_factory=dict)

    def option(self, name: str, default: float = 0.0) -> float:
        """A number of the parameter's group; remembered as used when it is not 0."""
        value = self.options.get(name, default)
        number = float(value) if value is not None else default
        if number:
            self.used[name] = number
        return number

    def line(self, symbol: str, formula: str, numbers: str, value: Tensor) -> Tensor:
        self.lines.append(Line(symbol, formula, numbers, value))
        return value

    def kept(self, name: str) -> Tensor:
        """What the optimizer remembers under ``name``; zeros before its first step."""
        value = self.state.get(name)
        if value is None:
            return torch.zeros_like(self.parameter)
        return value.detach() if isinstance(value, Tensor) else torch.as_tensor(value)

    @property
    def count(self) -> int:
        """Which step this will be, from 1."""
        step = self.state.get("step", 0)
        return int(step.item() if isinstance(step, Tensor) else step) + 1

    def starting_gradient(self) -> Tensor:
        """``.grad``, turned round by ``maximize``, with weight decay that is added to it."""
        g = self.gradient
        if self.options.get("maximize"):
            g = self.line("g", "−.grad", "−{.grad}", -g)
        else:
            g = self.line("g", ".grad", "{.grad}", g)
        return g

    def with_decay(self, g: Tensor) -> Tensor:
        decay = self.option("weight_decay")
        if not decay:
            return g
        return self.line("g", "g + λ w", f"{{g}} + {decay:g} × {{w}}", g + decay * self.parameter)

    def finish(self, formula: str, numbers: str, value: Tensor) -> Tensor:
        return self.line("w", formula, numbers, value)


Rule = Callable[[Work], Tensor]


def sgd(work: Work) -> Tensor:
    """Momentum as in torch.optim.SGD: the buffer begins as the first gradient."""
    rate = work.option("lr")
    g = work.with_decay(work.starting_gradient())
    momentum = work.option("momentum")
    if momentum:
        buffer = work.state.get("momentum_buffer")
        if buffer is None:
            b = work.line("b", "g", "{g}", g)
        else:
            damped = 1 - work.option("dampening")
            work.line("b_{old}", "momentum so far", "{b_{old}}", buffer.detach())
            b = work.line(
                "b",
                "μ b_{old} + (1 − τ) g" if damped != 1 else "μ b_{old} + g",
                f"{momentum:g} × {{b_{{old}}}} + {damped:g} × {{g}}"
                if damped != 1
                else f"{momentum:g} × {{b_{{old}}}} + {{g}}",
                momentum * buffer.detach() + damped * g,
            )
        if work.options.get("nesterov"):
            g = work.line("g", "g + μ b", f"{{g}} + {momentum:g} × {{b}}", g + momentum * b)
        else:
            g = b
            return work.finish("w − η b", f"{{w}} − {rate:g} × {{b}}", work.parameter - rate * g)
    return work.finish("w − η g", f"{{w}} − {rate:g} × {{g}}", work.parameter - rate * g)


def adam(work: Work) -> Tensor:
    g = work.with_decay(work.starting_gradient())
    return _adam(work, g, work.parameter, "w")


def adamw(work: Work) -> Tensor:
    """Decoupled weight decay: it shrinks the parameter itself."""
    g = work.starting_gradient()
    rate, decay = work.option("lr"), work.option("weight_decay")
    p, symbol = work.parameter, "w"
    if decay:
        kept = 1 - rate * decay
        p = work.line("w′", "(1 − η λ) w", f"(1 − {rate:g} × {decay:g}) × {{w}}", p * kept)
        symbol = "w′"
    return _adam(work, g, p, symbol)


def _adam(work: Work, g: Tensor, p: Tensor, symbol: str) -> Tensor:
    rate, epsilon, count = work.option("lr"), work.option("eps"), work.count
    first, second = (float(b) for b in work.options["betas"])
    work.used |= {"β₁": first, "β₂": second}
    work.line("m_{old}", "mean so far", "{m_{old}}", work.kept("exp_avg"))
    m = work.line(
        "m",
        "β_{1} m_{old} + (1 − β_{1}) g",
        f"{first:g} × {{m_{{old}}}} + {1 - first:.6g} × {{g}}",
        first * work.kept("exp_avg") + (1 - first) * g,
    )
    work.line("v_{old}", "mean square so far", "{v_{old}}", work.kept("exp_avg_sq"))
    v = work.line(
        "v",
        "β_{2} v_{old} + (1 − β_{2}) g^{2}",
        f"{second:g} × {{v_{{old}}}} + {1 - second:.6g} × {{g}}²",
        second * work.kept("exp_avg_sq") + (1 - second) * g * g,
    )
    if work.options.get("amsgrad"):
        largest = torch.maximum(work.kept("max_exp_avg_sq"), v)
        v = work.line("v", "max(v so far, v)", "{v} or more", largest)
    unbiased = work.line(
        "m̂", f"{{m}}/{{1 − β_{{1}}^{{{count}}}}}", f"{{m}} / {1 - first**count:.6g}",
        m / (1 - first**count),
    )  # fmt: skip
    square = work.line(
        "v̂", f"{{v}}/{{1 − β_{{2}}^{{{count}}}}}", f"{{v}} / {1 - second**count:.6g}",
        v / (1 - second**count),
    )  # fmt: skip
    return work.finish(
        f"{symbol} − {{η m̂}}/{{√v̂ + ε}}",
        f"{{{symbol}}} − {rate:g} × {{m̂}} / (√{{v̂}} + {epsilon:g})",
        p - rate * unbiased / (square.sqrt() + epsilon),
    )


def rmsprop(work: Work) -> Tensor:
    rate, alpha, epsilon = work.option("lr"), work.option("alpha"), work.option("eps")
    g = work.with_decay(work.starting_gradient())
    work.line("v_{old}", "mean square so far", "{v_{old}}", work.kept("square_avg"))
    v = work.line(
        "v",
        "α v_{old} + (1 − α) g^{2}",
        f"{alpha:g} × {{v_{{old}}}} + {1 - alpha:.6g} × {{g}}²",
        alpha * work.kept("square_avg") + (1 - alpha) * g * g,
    )
    root, said, typed = v.sqrt(), "√v", "√{v}"
    if work.options.get("centered"):
        mean = work.line(
            "a",
            "α a_{old} + (1 − α) g",
            f"{alpha:g} × a + {1 - alpha:.6g} × {{g}}",
            alpha * work.kept("grad_avg") + (1 - alpha) * g,
        )
        root, said, typed = (v - mean * mean).sqrt(), "√(v − a^{2})", "√({v} − {a}²)"
    direction = g / (root + epsilon)
    momentum = work.option("momentum")
    if momentum:
        work.line("b_{old}", "momentum so far", "{b_{old}}", work.kept("momentum_buffer"))
        b = work.line(
            "b",
            f"μ b_{{old}} + {{g}}/{{{said} + ε}}",
            f"{momentum:g} × {{b_{{old}}}} + {{g}} / ({typed} + {epsilon:g})",
            momentum * work.kept("momentum_buffer") + direction,
        )
        return work.finish("w − η b", f"{{w}} − {rate:g} × {{b}}", work.parameter - rate * b)
    return work.finish(
        f"w − {{η g}}/{{{said} + ε}}",
        f"{{w}} − {rate:g} × {{g}} / ({typed} + {epsilon:g})",
        work.parameter - rate * direction,
    )


def adagrad(work: Work) -> Tensor:
    epsilon, count = work.option("eps"), work.count
    g = work.with_decay(work.starting_gradient())
    decay = work.option("lr_decay")
    rate = work.option("lr") / (1 + (count - 1) * decay)
    work.line("s_{old}", "sum of squares so far", "{s_{old}}", work.kept("sum"))
    s = work.line("s", "s_{old} + g^{2}", "{s_{old}} + {g}²", work.kept("sum") + g * g)
    return work.finish(
        "w − {η g}/{√s + ε}" if not decay else "w − {η_{t} g}/{√s + ε}",
        f"{{w}} − {rate:.6g} × {{g}} / (√{{s}} + {epsilon:g})",
        work.parameter - rate * g / (s.sqrt() + epsilon),
    )


RULES: dict[type, tuple[Rule, str]] = {
    torch.optim.SGD: (sgd, "PyTorch documentation: torch.optim.SGD"),
    torch.optim.Adam: (adam, "PyTorch documentation: torch.optim.Adam"),
    torch.optim.AdamW: (adamw, "PyTorch documentation: torch.optim.AdamW"),
    torch.optim.RMSprop: (rmsprop, "PyTorch documentation: torch.optim.RMSprop"),
    torch.optim.Adagrad: (adagrad, "PyTorch documentation: torch.optim.Adagrad"),
}


def run(kind: type, work: Work) -> tuple[Tensor, str]:
    """The parameter after the update, and the rule's source. Raises ``NotTold``."""
    found = RULES.get(kind)
    if found is None:
        raise NotTold(
            f"{kind.__name__} is not among the optimizers that are taken apart; "
            "compare the parameter before and after."
        )
    if work.gradient.is_sparse:
        raise NotTold("A sparse gradient changes only some rows; it is not taken apart.")
    rule, source = found
    if kind is torch.optim.Adam and work.options.get("decoupled_weight_decay"):
        rule = adamw
    if work.parameter.is_complex():
        raise NotTold("Updates of complex parameters are not taken apart.")
    return rule(work), source
