"""Plain data to and from typed values, every field checked where it is read.

Dataclasses are the schema: a reader is made from their annotations, once per type, so there is no
second description of a message that could drift from the code that uses it.
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
Reader = Callable[[Any], Any]


class FieldError(ValueError):
    """A field is missing, unknown or of the wrong type. The message names its path.

    The path grows on the way out, so that reading what is right costs nothing for it."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(problem, path)
        self.problem, self.path = problem, path

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem

    def under(self, outer: str) -> FieldError:
        """The same, seen from one level further out."""
        joint = "." if outer and self.path and not self.path.startswith("[") else ""
        return FieldError(self.problem, f"{outer}{joint}{self.path}")


# ---------------------------------------------------------------------- to plain data


def encode(value: Any) -> Any:
    """``value`` as JSON data: dataclasses become objects, enums their values, tuples lists. Fields
    that stand at their default are left out."""
    kind: Any = type(value)
    return _writer(kind)(value)


@functools.cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    if issubclass(kind, Enum):
        return lambda value: value.value
    if kind is type(None) or issubclass(kind, (bool, int, float, str)):
        return lambda value: value
    if issubclass(kind, (list, tuple)):
        return lambda value: [encode(item) for item in value]
    if issubclass(kind, Mapping):
        return lambda value: {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return _fields_writer(kind)
    raise TypeError(f"cannot put {kind.__name__} on the wire")


def _fields_writer(kind: Any) -> Callable[[Any], Any]:
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}

    def write(value: Any) -> dict[str, Any]:
        found = {}
        for name, default in defaults.items():
            item = getattr(value, name)
            if item is not default:
                found[name] = encode(item)
        return found

    return write


# ---------------------------------------------------------------------- from plain data


def decode(kind: Any, data: Any, path: str = "") -> Any:
    """Read JSON ``data`` as a value of type ``kind``. Raises ``FieldError``."""
    try:
        return _reader(kind)(data)
    except FieldError as error:
        whole = kind.__name__ if isinstance(kind, type) and not error.path else "value"
        raise error.under(path or ("" if error.path else whole)) from None


@functools.cache
def _reader(kind: Any) -> Reader:
    """Made once per type. Raises ``TypeError`` for one that the wire does not know."""
    if kind is Any:
        return lambda data: data
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _union_reader(kind, arguments)
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is list:
        return _list_reader(arguments[0], list)
    if origin is dict:
        return _dict_reader(arguments[1])
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(typing.cast(type, kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_reader(kind)
    return _float if kind is float else _plain_reader(kind)


def _plain_reader(kind: type) -> Reader:
    def read(data: Any) -> Any:
        # bool is an int in Python; on the wire it is not.
        if type(data) is not kind:
            raise _wrong(kind.__name__, data)
        return data

    return read


def _float(data: Any) -> float:
    if type(data) is float:
        return data
    if type(data) is int:
        try:
            return float(data)
        except OverflowError:
            pass
    raise _wrong("float", data)


def _enum_reader(kind: type[Enum]) -> Reader:
    members = {member.value: member for member in kind}

    def read(data: Any) -> Any:
        try:
            return members[data]
        except (KeyError, TypeError):
            raise _wrong(kind.__name__, data) from None

    return read


def _dataclass_reader(kind: type) -> Reader:
    missing = dataclasses.MISSING
    # Not the readers themselves: a type may hold values of its own type.
    hints = typing.get_type_hints(kind)
    names = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    required = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is missing and field.default_factory is missing
    ]
    readers: dict[str, Reader] = {}

    def read(data: Any) -> Any:
        if type(data) is not dict:
            raise _wrong("dict", data)
        found = {}
        for name, item in data.items():
            reader = readers.get(name)
            if reader is None:
                if name not in names:
                    raise FieldError(f"unknown field {name!r}")
                reader = readers[name] = _reader(names[name])
            try:
                found[name] = reader(item)
            except FieldError as error:
                raise error.under(name) from None
        for name in required:
            if name not in found:
                raise FieldError(f"missing field {name!r}")
        return kind(**found)

    return read


def _union_reader(kind: Any, options: tuple[Any, ...]) -> Reader:
    optional = type(None) in options
    kinds = tuple(option for option in options if option is not type(None))
    if optional and len(kinds) == 1:
        return _optional_reader(kinds[0])

    def read(data: Any) -> Any:
        if data is None and optional:
            return None
        if type(data) in kinds:
            return data
        for option in kinds:
            try:
                return _reader(option)(data)
            except FieldError:
                continue
        raise _wrong(str(kind), data)

    return read


def _optional_reader(kind: Any) -> Reader:
    readers: list[Reader] = []

    def read(data: Any) -> Any:
        if data is None:
            return None
        if not readers:
            readers.append(_reader(kind))
        return readers[0](data)

    return read


def _tuple_reader(kinds: tuple[Any, ...]) -> Reader:
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return _list_reader(kinds[0], tuple)

    def read(data: Any) -> Any:
        if type(data) is not list or len(data) != len(kinds):
            raise _wrong("list" if type(data) is not list else f"{len(kinds)} items", data)
        pairs = zip(kinds, data, strict=True)
        return tuple(_at(i, kind, item) for i, (kind, item) in enumerate(pairs))

    return read


def _list_reader(kind: Any, build: Callable[[Any], Any]) -> Reader:
    def read(data: Any) -> Any:
        if type(data) is not list:
            raise _wrong("list", data)
        reader = _reader(kind)
        try:
            return build([reader(item) for item in data])
        except FieldError:
            return build([_at(i, kind, item) for i, item in enumerate(data)])  # names the item

    return read


def _at(index: int, kind: Any, item: Any) -> Any:
    try:
        return _reader(kind)(item)
    except FieldError as error:
        raise error.under(f"[{index}]") from None


def _dict_reader(kind: Any) -> Reader:
    def read(data: Any) -> Any:
        if type(data) is not dict:
            raise _wrong("dict", data)
        reader = _reader(kind)
        found = {}
        for key, item in data.items():
            try:
                found[key] = reader(item)
            except FieldError as error:
                raise error.under(str(key)) from None
        return found

    return read


def _wrong(wanted: str, data: Any) -> FieldError:
    return FieldError(f"expected {wanted}, got {str(data)[:60]!r}")


# ---------------------------------------------------------------------- calls


def call(handler: Callable[..., T], arguments: Any, path: str) -> T:
    """Call ``handler`` with ``arguments`` (a JSON object), each decoded by its annotation."""
    if type(arguments) is not dict:
        raise _wrong("dict", arguments).under(path)
    hints, required = _signature(handler)
    unknown = arguments.keys() - hints.keys()
    if unknown:
        raise FieldError(f"unknown argument {min(unknown)!r}", path)
    missing = required - arguments.keys()
    if missing:
        raise FieldError(f"missing argument {min(missing)!r}", path)
    return handler(**{k: decode(hints[k], v, f"{path}.{k}") for k, v in arguments.items()})


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
