"""What the program's own variables hold: modules and optimizers by the names it gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from gradstep.engine.sites import Sites

CONTAINER = 64
"""Optimizers and models are looked for in lists and dictionaries up to this length."""


def bound(sites: Sites, frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """Names of optimizers and modules, from the outermost frame of the program inwards: there
    they have names of their own, and farther in each may be called ``optimizer``."""
    done: set[int] = set()
    for user in reversed(_user_frames(sites, frame)):
        for scope in (user.f_globals, user.f_locals):
            if id(scope) not in done:
                done.add(id(scope))
                yield from in_scope(scope, sites)


def in_scope(scope: dict[str, Any], sites: Sites) -> Iterator[tuple[str, Any]]:
    """Those that a scope names: in variables, in lists and dictionaries, as attributes of objects
    of the program's own classes. ``self`` stands for its parts."""
    for name, value in list(scope.items()):
        if name == "self" and not isinstance(value, Tensor):
            yield from _fields(name, value)
        elif not name.startswith("__"):
            yield from _ours(name, value)
            if sites.is_user_class(type(value)) and not isinstance(value, (nn.Module, Tensor)):
                yield from _fields(name, value)


def whole(
    part: nn.Module, named: list[tuple[str, Any]], sites: Sites, frame: FrameType | None
) -> tuple[nn.Module, str]:
    """The largest module, of ``named`` or of those whose methods run, that ``part`` is a part of,
    or ``part`` itself; and the path from there."""
    methods = [user.f_locals.get("self") for user in _user_frames(sites, frame)]
    found, path, size = part, "", 0
    for module in (*(value for _, value in named), *methods):
        if not isinstance(module, nn.Module) or module is part:
            continue
        paths = {id(inner): where for where, inner in parts(module)}
        if id(part) in paths and len(paths) > size:
            found, path, size = module, paths[id(part)], len(paths)
    return found, path


def parts(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module inside of ``root``, itself first, by each of its paths; also those in plain
    lists and dictionaries, which torch does not register, by one."""
    seen: set[int] = set()

    def inside(path: str, module: nn.Module, around: tuple[int, ...]) -> Iterator[Any]:
        seen.add(id(module))
        yield path, module
        registered = set(map(id, getattr(module, "_modules", {}).values()))
        for name, inner in held(module):
            again = id(inner) in around or (id(inner) in seen and id(inner) not in registered)
            if isinstance(inner, nn.Module) and not again:
                yield from inside(_joined(path, name), inner, (*around, id(module)))

    return inside("", root, (id(root),))


def parameters(root: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    """Path, kind (``parameter``, ``buffer``) and tensor of all that is inside of ``root``."""
    for path, module in parts(root):
        for name, value in held(module):
            if isinstance(value, Tensor):
                yield _joined(path, name), "parameter", value
        for name, value in getattr(module, "_buffers", {}).items():
            if value is not None:
                yield _joined(path, name), "buffer", value


def held(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Submodules and parameters, also those in plain lists, which torch does not register."""
    registered: set[int] = set()
    for registry in ("_modules", "_parameters"):
        # One that is just being made has none yet.
        for name, value in list(getattr(module, registry, {}).items()):
            if value is not None:
                registered.add(id(value))
                yield name, value
    for name, value in list(vars(module).items()):
        if name in ("_modules", "_parameters", "_buffers"):
            continue
        items: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, (list, tuple)):
            items = enumerate(value)
        elif isinstance(value, dict):
            items = list(value.items())
        for key, inner in items:
            if issubclass(type(inner), (nn.Module, nn.Parameter)) and id(inner) not in registered:
                yield f"{name}[{key!r}]", inner


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _user_frames(sites: Sites, frame: FrameType | None) -> list[FrameType]:
    """The innermost first."""
    frames = []
    while frame is not None:
        if sites.is_user(frame.f_code):
            frames.append(frame)
        frame = frame.f_back
    return frames


def _fields(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Of the instance dictionary and the module's registry; a property could run user code."""
    try:
        fields = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return
    for registry in (fields, fields.get("_modules")):
        for field, inner in list(registry.items()) if isinstance(registry, dict) else ():
            yield from _ours(f"{name}.{field}", inner)


def _ours(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    kind = type(value)  # asking a lazy proxy for its class would make it load
    if issubclass(kind, (Optimizer, nn.Module)):
        yield name, value
    elif kind in (list, tuple, dict) and 0 < len(value) <= CONTAINER:
        items = value.items() if kind is dict else enumerate(value)
        for key, inner in list(items):
            if issubclass(type(inner), (Optimizer, nn.Module)):
                yield f"{name}[{key!r}]", inner
