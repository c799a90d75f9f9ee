"""One step of a recurrent cell."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gradstep.engine.rules.bound import BoundCall
from gradstep.engine.rules.families import Derivative, OfResults
from gradstep.engine.rules.rule import Rule, docs
from gradstep.engine.rules.shapes import sum_to

Gates = tuple[Tensor, Tensor, Tensor | None]
"""∂L by the input's products (x W_ihᵀ + b_ih), by the hidden state's, and by the hidden state
itself where it also goes past them."""


def _hand_on(c: BoundCall, gates: Gates, name: str) -> Tensor:
    """From the gradients of the products to that of one parameter."""
    by_input, by_hidden, past = gates
    hidden = c["hx"][0] if isinstance(c["hx"], (tuple, list)) else c["hx"]
    rows_i, rows_h = (g.reshape(-1, g.shape[-1]) for g in (by_input, by_hidden))
    if name == "input":
        return by_input @ c["w_ih"]
    if name == "hx":
        return by_hidden @ c["w_hh"] + (0 if past is None else past)
    if name == "w_ih":
        return rows_i.mT @ c["input"].reshape(rows_i.shape[0], -1)
    if name == "w_hh":
        return rows_h.mT @ hidden.reshape(rows_h.shape[0], -1)
    return sum_to(by_input if name == "b_ih" else by_hidden, c[name].shape)


def _products(c: BoundCall) -> tuple[Tensor, Tensor]:
    hidden = c["hx"][0] if isinstance(c["hx"], (tuple, list)) else c["hx"]
    first, second = c["input"] @ c["w_ih"].mT, hidden @ c["w_hh"].mT
    if c["b_ih"] is not None:
        first, second = first + c["b_ih"], second + c["b_hh"]
    return first, second


def _rnn(local: Callable[[Tensor], Tensor]) -> Callable[[BoundCall, tuple[Tensor, ...]], Gates]:
    def gates(c: BoundCall, g: tuple[Tensor, ...]) -> Gates:
        by_sum = g[0] * local(c.y)
        return by_sum, by_sum, None

    return gates


def _gru(c: BoundCall, g: tuple[Tensor, ...]) -> Gates:
    """h′ = (1 − z) n + z h, n = tanh(a_n + r b_n), r and z sigmoids of sums."""
    first, second = _products(c)
    (ar, az, an), (br, bz, bn) = first.chunk(3, -1), second.chunk(3, -1)
    r, z = torch.sigmoid(ar + br), torch.sigmoid(az + bz)
    n = torch.tanh(an + r * bn)
    by_n = g[0] * (1 - z) * (1 - n * n)
    by_z = g[0] * (c["hx"] - n) * z * (1 - z)
    by_r = by_n * bn * r * (1 - r)
    by_input = torch.cat([by_r, by_z, by_n], -1)
    return by_input, torch.cat([by_r, by_z, by_n * r], -1), g[0] * z


def _lstm_parts(c: BoundCall) -> tuple[Tensor, ...]:
    first, second = _products(c)
    i, f, n, o = (first + second).chunk(4, -1)
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(n), torch.sigmoid(o)


def _by_cell(c: BoundCall, g: tuple[Tensor, ...], o: Tensor) -> Tensor:
    t = torch.tanh(c.outputs[1])
    return g[1] + g[0] * o * (1 - t * t)


def _lstm(c: BoundCall, g: tuple[Tensor, ...]) -> Gates:
    """c′ = f c + i n, h′ = o tanh c′."""
    i, f, n, o = _lstm_parts(c)
    cell = _by_cell(c, g, o)
    by = torch.cat([
        cell * n * i * (1 - i),
        cell * c["hx"][1] * f * (1 - f),
        cell * i * (1 - n * n),
        g[0] * torch.tanh(c.outputs[1]) * o * (1 - o),
    ], -1)  # fmt: skip
    return by, by, None


def _cell_state(c: BoundCall, g: tuple[Tensor, ...]) -> Tensor:
    _, f, _, o = _lstm_parts(c)
    return _by_cell(c, g, o) * f


_TEXTS = {
    "input": "∂L/∂x = δ · W_{ih}",
    "hx": "∂L/∂h = δ_{h} · W_{hh}{past}",
    "w_ih": "∂L/∂W_{ih} = δ^{T} · x",
    "w_hh": "∂L/∂W_{hh} = δ_{h}^{T} · h",
    "b_ih": "∂L/∂b_{ih} = Σ_{rows} δ",
    "b_hh": "∂L/∂b_{hh} = Σ_{rows} δ_{h}",
}
_SYMBOLS = {"input": "x", "hx": "h", "w_ih": "W_{ih}", "w_hh": "W_{hh}", "b_ih": "b_{ih}",
            "b_hh": "b_{hh}", "output": "h′"}  # fmt: skip


def _cell(
    name: str, delta: str, gates: Callable[[BoundCall, tuple[Tensor, ...]], Gates], past: str = ""
) -> Rule:
    def derivative(parameter: str) -> Derivative:
        def of(c: BoundCall, g: tuple[Tensor, ...], slot: int) -> Tensor:
            if parameter == "hx" and c.place_of(slot)[1] == 1:
                return _cell_state(c, g)
            return _hand_on(c, gates(c, g), parameter)

        text = _TEXTS[parameter].replace("{past}", past)
        return OfResults(f"{text}; {delta}", docs(name), of)

    parameters = "input, hx, w_ih, w_hh, b_ih=None, b_hh=None"
    return Rule(name, parameters, {key: derivative(key) for key in _TEXTS}, _SYMBOLS)


RULES: tuple[Rule, ...] = (
    _cell("rnn_tanh_cell", "δ = δ_{h} = ∂L/∂h′ (1 − h′^{2})", _rnn(lambda h: 1 - h * h)),
    _cell("rnn_relu_cell", "δ = δ_{h} = ∂L/∂h′ where h′ > 0",
          _rnn(lambda h: (h > 0).to(h.dtype))),
    _cell("gru_cell", "δ by the gates r, z, n of h′ = (1 − z) n + z h", _gru, " + z ∂L/∂h′"),
    _cell("lstm_cell", "δ = δ_{h} by the gates i, f, n, o of c′ = f c + i n, h′ = o tanh c′",
          _lstm),
)  # fmt: skip
