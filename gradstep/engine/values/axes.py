"""What the axes of a tensor are called, where the program, an operation or a module says so."""

from __future__ import annotations

from torch import Tensor, nn

from gradstep.protocol.examination import Axes

_IMAGE = ("batch", "channel", "height", "width")
_LAYOUTS: dict[str, tuple[str, ...]] = {
    "conv1d": ("batch", "channel", "length"),
    "conv_transpose1d": ("batch", "channel", "length"),
    "max_pool1d": ("batch", "channel", "length"),
    "avg_pool1d": ("batch", "channel", "length"),
    "conv2d": _IMAGE,
    "conv_transpose2d": _IMAGE,
    "max_pool2d": _IMAGE,
    "avg_pool2d": _IMAGE,
    "adaptive_avg_pool2d": _IMAGE,
    "adaptive_max_pool2d": _IMAGE,
    "interpolate": _IMAGE,
    "pixel_shuffle": _IMAGE,
    "conv3d": ("batch", "channel", "depth", "height", "width"),
    "max_pool3d": ("batch", "channel", "depth", "height", "width"),
    "scaled_dot_product_attention": ("batch", "head", "position", "feature"),
}
"""What torch documents of the results of these operations."""

_PARAMETERS: tuple[tuple[type[nn.Module], str, tuple[str, ...]], ...] = (
    (nn.Linear, "weight", ("output", "input")),
    (nn.Linear, "bias", ("output",)),
    (nn.Conv1d, "weight", ("output channel", "input channel", "length")),
    (nn.Conv2d, "weight", ("output channel", "input channel", "height", "width")),
    (nn.Conv3d, "weight", ("output channel", "input channel", "depth", "height", "width")),
    (nn.modules.conv._ConvNd, "bias", ("output channel",)),
    (nn.Embedding, "weight", ("index", "feature")),
    (nn.modules.batchnorm._BatchNorm, "weight", ("channel",)),
    (nn.modules.batchnorm._BatchNorm, "bias", ("channel",)),
    (nn.modules.batchnorm._BatchNorm, "running_mean", ("channel",)),
    (nn.modules.batchnorm._BatchNorm, "running_var", ("channel",)),
)


def axes_of(tensor: Tensor, operation: str, owner: nn.Module | None) -> Axes:
    """``operation`` made it (``""``: none known), ``owner`` is a module that it belongs to. Without
    a hint every name is empty. Call it unobserved."""
    own = tuple(name or "" for name in getattr(tensor, "names", ()))
    if any(own):
        return Axes(own, "the program")
    layout = _LAYOUTS.get(operation.rstrip("_"))
    if layout is not None:
        # Without a batch the first name is missing.
        names = layout[len(layout) - tensor.dim() :]
        if len(names) == tensor.dim() >= len(layout) - 1:
            return Axes(names, operation)
    for module in owner.modules() if owner is not None else ():
        for name in (*module._parameters, *module._buffers):
            if getattr(module, name, None) is tensor:
                return _of_parameter(module, name, tensor.dim())
    return Axes(("",) * tensor.dim())


def _of_parameter(module: nn.Module, name: str, dim: int) -> Axes:
    for kind, own, names in _PARAMETERS:
        if own == name and isinstance(module, kind) and len(names) == dim:
            transposed = isinstance(module, nn.modules.conv._ConvTransposeNd)
            if not transposed:
                return Axes(names, type(module).__name__)
    return Axes(("",) * dim)
