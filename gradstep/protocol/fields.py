"""Plain data to and from typed values, every field checked where it is read.

Dataclasses are the schema: ``decode`` follows their annotations, so there is no second
description of a message that could drift from the code that uses it.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


class FieldError(ValueError):
    """A field is missing, unknown or of the wrong type. The message names its path."""


def encode(value: Any) -> Any:
    """``value`` as JSON data: dataclasses become objects, enums their values, tuples lists."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name)) for name in _fields(type(value))}
    raise TypeError(f"cannot put {type(value).__name__} on the wire")


def decode(kind: Any, data: Any, path: str = "") -> Any:
    """Read JSON ``data`` as a value of type ``kind``. Raises ``FieldError``."""
    if kind is Any:
        return data
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(kind, data, path)
    if origin is tuple:
        return _decode_tuple(kind, data, path)
    if origin is list:
        (item,) = typing.get_args(kind)
        return [decode(item, v, f"{path}[{i}]") for i, v in enumerate(_expect(list, data, path))]
    if origin is dict:
        _, item = typing.get_args(kind)
        return {k: decode(item, v, f"{path}.{k}") for k, v in _expect(dict, data, path).items()}
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), data, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(data)
        except ValueError:
            raise _wrong(path, kind.__name__, data) from None
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        try:
            return float(data)
        except OverflowError:
            raise _wrong(path, "float", data) from None
    return _expect(kind, data, path)


def call(handler: Callable[..., T], arguments: Any, path: str) -> T:
    """Call ``handler`` with ``arguments`` (a JSON object), each decoded by its annotation."""
    given = _expect(dict, arguments, path)
    hints, required = _signature(handler)
    unknown = set(given) - set(hints)
    if unknown:
        raise FieldError(f"{path}: unknown argument {sorted(unknown)[0]!r}")
    missing = required - set(given)
    if missing:
        raise FieldError(f"{path}: missing argument {sorted(missing)[0]!r}")
    return handler(**{k: decode(hints[k], v, f"{path}.{k}") for k, v in given.items()})


def _signature(handler: Callable[..., Any]) -> tuple[dict[str, Any], set[str]]:
    return _function_signature(getattr(handler, "__func__", handler))


@functools.cache
def _function_signature(function: Any) -> tuple[dict[str, Any], set[str]]:
    hints = typing.get_type_hints(function)
    hints.pop("return", None)
    code, defaults = function.__code__, function.__defaults__ or ()
    names = [n for n in code.co_varnames[: code.co_argcount] if n != "self"]
    keyword = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    required = set(names[: len(names) - len(defaults)]) if defaults else set(names)
    required |= set(keyword) - set(function.__kwdefaults__ or {})
    return hints, required


@functools.cache
def _fields(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@functools.cache
def _required(kind: type) -> frozenset[str]:
    missing = dataclasses.MISSING
    return frozenset(
        f.name
        for f in dataclasses.fields(kind)
        if f.default is missing and f.default_factory is missing
    )


def _decode_dataclass(kind: type, data: Any, path: str) -> Any:
    given, hints = _expect(dict, data, path or kind.__name__), _fields(kind)
    for name in given:
        if name not in hints:
            raise FieldError(f"{path or kind.__name__}: unknown field {name!r}")
    for name in _required(kind):
        if name not in given:
            raise FieldError(f"{path or kind.__name__}: missing field {name!r}")
    prefix = f"{path}." if path else ""
    return kind(**{k: decode(hints[k], v, f"{prefix}{k}") for k, v in given.items()})


def _decode_union(kind: Any, data: Any, path: str) -> Any:
    options = typing.get_args(kind)
    if data is None and type(None) in options:
        return None
    options = tuple(option for option in options if option is not type(None))
    if type(data) in options:
        return data
    error: FieldError | None = None
    for option in options:
        try:
            return decode(option, data, path)
        except FieldError as failed:
            error = failed
    raise error if error is not None and len(options) == 1 else _wrong(path, str(kind), data)


def _decode_tuple(kind: Any, data: Any, path: str) -> tuple[Any, ...]:
    items, kinds = _expect(list, data, path), typing.get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(decode(kinds[0], v, f"{path}[{i}]") for i, v in enumerate(items))
    if len(items) != len(kinds):
        raise _wrong(path, f"{len(kinds)} items", data)
    pairs = zip(kinds, items, strict=True)
    return tuple(decode(k, v, f"{path}[{i}]") for i, (k, v) in enumerate(pairs))


def _expect(kind: type, data: Any, path: str) -> Any:
    # bool is an int in Python; on the wire it is not.
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise _wrong(path, kind.__name__, data)
    return data


def _wrong(path: str, wanted: str, data: Any) -> FieldError:
    return FieldError(f"{path or 'value'}: expected {wanted}, got {str(data)[:60]!r}")
