"""Which calls stand around an operation: modules by hooks, the user's functions by frames."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor, nn

from gradstep.engine import torch_internals as internals
from gradstep.engine.capture import bindings
from gradstep.engine.capture.subjects import Subjects
from gradstep.engine.sites import Sites
from gradstep.protocol.trace import Group


class Callers:
    """Knows the modules whose forward is running, and keys every call so that two calls of one
    module are two groups."""

    def __init__(self, sites: Sites, subjects: Subjects) -> None:
        self._sites, self._subjects = sites, subjects
        self._modules: list[tuple[Any, Group]] = []
        self._joined: list[int] = []
        """Addresses of the frames of those modules, the outermost ones, that were entered before
        calls were followed."""
        self._thread = 0
        self._forwards: dict[CodeType, int] = {}
        self._roots: weakref.WeakKeyDictionary[nn.Module, dict[int, str]] = (
            weakref.WeakKeyDictionary()
        )
        self._parameters: dict[int, tuple[weakref.ref[Tensor], str, str]] = {}
        self._strays: dict[int, weakref.ref[nn.Parameter]] = {}
        self._owners: dict[int, weakref.ref[nn.Module]] = {}
        self._calls = 0
        self._chain: list[tuple[int, CodeType, int, Group]] = []
        self._root_names: weakref.WeakKeyDictionary[nn.Module, str] = weakref.WeakKeyDictionary()
        self._root_name = ""
        self.entered: Callable[[Group, FrameType], None] | None = None
        """Told when the forward of a module begins."""
        self._following = False
        self._module_calls = internals.ModuleCalls(self._called)
        self.loop: frozenset[CodeType] = frozenset()
        """Code of the frames around ``backward``: the training loop itself is no group."""

    def follow(self, on: bool) -> None:
        """Calls of modules are wrapped while on. The program would notice hooks: they switch off
        the transformer's fast path, make ``torch.compile`` warn and stand in tracebacks."""
        if on != self._following:
            self._following = on
            self._module_calls.switch(on)
            self._modules, self._joined = [], []
            self._forwards.clear()
            if on:
                self._join(sys._getframe(1))

    def _join(self, frame: FrameType | None) -> None:
        """Recording begins in the middle of a forward: these modules were entered before."""
        calls = []
        while frame is not None:
            if frame.f_code is internals.MODULE_CALL:
                calls.append(frame)
            frame = frame.f_back
        self._thread = threading.get_ident()
        for call in reversed(calls):
            self._enter(call.f_locals["self"], told=False)
            self._joined.append(id(call))

    def _settle(self, frame: FrameType | None) -> None:
        """Nothing tells when modules return that were entered before: see what still runs."""
        if threading.get_ident() != self._thread:
            return
        running = set()
        while frame is not None:
            if frame.f_code is internals.MODULE_CALL:
                running.add(id(frame))
            frame = frame.f_back
        for depth, call in enumerate(self._joined):
            if call not in running:
                del self._joined[depth:]
                while len(self._modules) > depth:
                    self._pop()
                return

    def _called(self, original: Any, module: nn.Module, args: Any, kwargs: Any) -> Any:
        self._enter(module)
        try:
            return original(module, *args, **kwargs)
        finally:
            self._leave(module)

    def groups(self, frame: FrameType | None) -> tuple[Group, ...]:
        """The calls around an operation made at ``frame``, outermost first."""
        if self._joined:
            self._settle(frame)
        frames = []
        is_user = self._sites.is_user
        while frame is not None:
            if is_user(frame.f_code):
                frames.append(frame)
            frame = frame.f_back
        frames.reverse()
        found: list[Group] = []
        chain: list[tuple[int, CodeType, int, Group]] = []
        modules = iter(self._modules)
        same = True
        for depth, user in enumerate(frames):
            code = user.f_code
            if code in self.loop or code.co_name == "<module>":
                continue
            if code in self._forwards:
                for module, group in modules:
                    found.append(group)
                    if type(module).forward.__code__ is code:
                        break
                continue
            known = self._chain[len(chain)] if same and len(chain) < len(self._chain) else None
            same = known is not None and known[:2] == (id(user), code) and known[2] <= user.f_lasti
            group = known[3] if known and same else self._function_group(code, depth)
            chain.append((id(user), code, user.f_lasti, group))
            found.append(group)
        found.extend(group for _, group in modules)
        self._chain = chain
        return tuple(found)

    @property
    def modules(self) -> tuple[Group, ...]:
        """The modules whose forward is running, outermost first."""
        if self._joined:
            self._settle(sys._getframe(1))
        return tuple(group for _, group in self._modules)

    def in_library_module(self) -> bool:
        """Whether the forward that runs is a library's."""
        if not self.modules:
            return False
        code = getattr(type(self._modules[-1][0]).forward, "__code__", None)
        return code is None or not self._sites.is_user(code)

    @property
    def roots(self) -> list[nn.Module]:
        """The outermost modules that were called, or whose parameters were used."""
        return list(self._roots)

    def root_name(self, frame: FrameType | None) -> str:
        """The variable of the user's that holds the outermost module whose forward is running, or
        ran last; empty if there is none."""
        if not self.modules:
            return self._root_name
        root = self._modules[0][0]
        name = self._root_names.get(root)
        if name is None:
            name = self._root_names[root] = self._subjects.variable(root, frame)
        self._root_name = name
        return name

    def parameter_name(self, tensor: Tensor) -> tuple[str, str]:
        """Path and kind (``parameter``, ``buffer``) of a tensor that a seen module owns."""
        entry = self._parameters.get(id(tensor))
        if entry is not None and entry[0]() is tensor:
            return entry[1], entry[2]
        return "", ""

    def path_of(self, parameter: Tensor, frame: FrameType | None) -> str:
        """The same, of one whose module was not seen: called by its parts, or given to functions.
        Empty where no module that the program at ``frame`` names owns it."""
        stray = self._strays.get(id(parameter))
        known = stray is not None and stray() is parameter
        if known or not isinstance(parameter, nn.Parameter):
            return ""
        for _, module in self._subjects.models(list(bindings.bound(self._sites, frame))):
            if any(tensor is parameter for _, _, tensor in bindings.parameters(module)):
                self._learn(module, frame)
                return self.parameter_name(parameter)[0]
        self._strays[id(parameter)] = weakref.ref(parameter)
        return ""

    def owner(self, tensor: Tensor) -> nn.Module | None:
        """The seen module, called by no other, that owns a tensor."""
        named, _ = self.parameter_name(tensor)
        return self._owners[id(tensor)]() if named else None

    def _function_group(self, code: CodeType, depth: int) -> Group:
        self._calls += 1
        return Group(f"f{self._calls}", code.co_name.strip("<>"), "function")

    def _enter(self, module: nn.Module, *, told: bool = True) -> None:
        if told and self._joined:
            self._settle(sys._getframe(1))
        root = self._modules[0][0] if self._modules else module
        if root is module and torch.is_grad_enabled():
            self._subjects.enters(root)
        names = self._roots.get(root)
        if names is None or id(module) not in names:
            names = self._learn(root, sys._getframe(1))
        path = names.get(id(module), "")
        self._calls += 1
        kind = type(module).__name__
        group = Group(f"m{self._calls}", path or kind, "module", kind)
        self._modules.append((module, group))
        code = getattr(type(module).forward, "__code__", None)
        if code is not None and self._sites.is_user(code):
            self._forwards[code] = self._forwards.get(code, 0) + 1
        if told and self.entered is not None:
            self.entered(group, sys._getframe(1))

    def _leave(self, module: nn.Module) -> None:
        while self._modules:
            if self._pop() is module:
                break
        del self._joined[len(self._modules) :]

    def _pop(self) -> Any:
        entered, _ = self._modules.pop()
        code = getattr(type(entered).forward, "__code__", None)
        if code in self._forwards:
            self._forwards[code] -= 1
            if not self._forwards[code]:
                del self._forwards[code]
        return entered

    def _learn(self, root: nn.Module, frame: FrameType | None) -> dict[int, str]:
        names = {id(module): path for path, module in bindings.parts(root)}
        self._roots[root] = names
        own = self._subjects.own_name(root, frame)
        before, owner = f"{own}." if own else "", weakref.ref(root)
        for path, kind, tensor in bindings.parameters(root):
            self._parameters[id(tensor)] = (weakref.ref(tensor), before + path, kind)
            self._owners[id(tensor)] = owner
        return names
