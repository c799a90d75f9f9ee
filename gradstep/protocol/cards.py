"""What a card shows of one gradient: where it came from, with the numbers it was made of.

Texts that are mathematics (``formula``, ``Factor.symbol``) are Unicode with three marks for whoever
sets them: ``a_{b}`` a subscript, ``a^{b}`` a superscript, ``{a}/{b}`` a fraction."""

from __future__ import annotations

from dataclasses import dataclass

from gradstep.protocol.values import Preview


@dataclass(frozen=True)
class Quantity:
    """A tensor on a card. ``symbol`` is its letter in the formula, ``name`` what the program calls
    it (may be empty). ``value``: all elements up to ``PREVIEW_ELEMENTS``, else the norm."""

    symbol: str
    name: str
    shape: tuple[int, ...]
    dtype: str
    value: Preview


@dataclass(frozen=True)
class Factor:
    """One number of a product. ``symbol`` names the tensor (``B``, ``∂L/∂C``) or the expression it
    is an element of; ``index`` is its place there, empty for a scalar or a plain number."""

    symbol: str
    index: tuple[int, ...]
    value: float


@dataclass(frozen=True)
class Term:
    """A product: ``value`` is that of its factors, the first of which is the upstream element.
    ``output``: which result of the operation the upstream belongs to."""

    factors: tuple[Factor, ...]
    value: float
    output: int = 0


@dataclass(frozen=True)
class Traced:
    """One element of the downstream gradient, written out as a sum.

    ``rest`` is the sum of the ``left`` terms that are not listed; ``total`` is the whole sum, or
    where there are no terms a difference quotient."""

    index: tuple[int, ...]
    terms: tuple[Term, ...]
    total: float
    left: int = 0
    rest: float = 0.0


@dataclass(frozen=True)
class Path:
    """One use of a value. ``gradient`` is what backward sent along ``edge`` (None: not yet, or
    never), ``element`` its traced element. ``chosen``: it is the path that the card is about."""

    edge: int
    node: int | None
    operation: str
    gradient: Quantity | None
    element: float | None
    chosen: bool = False


@dataclass(frozen=True)
class FanOut:
    """A value that several operations use: its gradient is the sum over them. ``total`` is that
    sum, ``element`` its traced element; ``complete``: every path has sent its gradient.
    ``accumulated`` is the sum as autograd had it, where that was kept; ``error`` how far it is from
    ``total``, relative to its largest element."""

    paths: tuple[Path, ...]
    total: Quantity | None
    element: float | None
    complete: bool
    accumulated: Quantity | None = None
    error: float | None = None


@dataclass(frozen=True)
class Agreement:
    """The rule, computed anew in float64, beside the gradient that autograd sent.

    ``error`` is the largest difference relative to the largest element; ``tolerance`` what the
    element type allows. ``unknown``: elements that cannot be told (a dropped zero) and are left
    out. ``agrees`` is None when it could not be compared, ``note`` says why."""

    agrees: bool | None
    error: float | None = None
    tolerance: float | None = None
    unknown: int = 0
    note: str = ""


@dataclass(frozen=True)
class Chain:
    """The chain rule at one input of one operation: upstream × local = downstream.

    ``input`` is the number of the tensor among the operation's, ``argument`` its parameter's name
    in PyTorch, ``symbol`` its letter. ``operands`` are the operation's tensors, ``result`` its
    results. ``formula`` and ``source`` are empty for an operation ``in_table`` has nothing on: then
    ``downstream`` is the vector–Jacobian product as autograd computed it. Before autograd has, it
    is None, and ``coming`` what the formula gives. ``local`` is there for element-wise operations.
    Where the input was broadcast, ``unreduced`` is upstream × local in the result's shape and
    ``summed`` the axes of it that are summed over. ``upstream`` is None for a result to which no
    gradient came. ``kinks``: elements at which the derivative does not exist and ``kink`` says what
    is taken instead. ``note`` says what keeps the card from being complete."""

    node: int
    edge: int
    operation: str
    input: int
    argument: str
    symbol: str
    in_table: bool
    formula: str
    source: str
    operands: tuple[Quantity, ...]
    result: tuple[Quantity, ...]
    upstream: tuple[Quantity | None, ...]
    downstream: Quantity | None
    coming: Quantity | None = None
    local: Quantity | None = None
    unreduced: Quantity | None = None
    summed: tuple[int, ...] = ()
    traced: Traced | None = None
    fan_out: FanOut | None = None
    agreement: Agreement = Agreement(None)
    kinks: int = 0
    kink: str = ""
    note: str = ""
