"""The programs that must work, each as a practitioner writes it, and what is not right with some.

A program says in a comment which phases one of its iterations has, in which order, and how many
iterations there are (an iteration ends with its update): ``# phases: ...; iterations: 5``.
``varies`` and ``any`` mean that there is no right answer to compare with."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gradstep.phases import Phase
from tests.engine.programs_under_test import PROGRAMS

HELPERS = str(PROGRAMS / "fidelity")
"""Where ``digest`` lies, for ``PYTHONPATH``."""


@dataclass(frozen=True)
class Case:
    """``bits`` and ``counts`` and ``phases`` say, where not empty, what the engine gets wrong.

    ``code`` is how it ends. ``text`` goes to standard input. ``copy``: the program is run from
    the working folder, under
    this name. ``module``: ``file`` is a package in ``setting``, copied likewise."""

    file: str
    args: tuple[str, ...] = ()
    module: bool = False
    text: str = ""
    copy: str = ""
    code: int = 0
    bits: str = ""
    counts: str = ""
    phases: str = ""
    found: tuple[str, ...] = ()
    """What the phase watch must find: mistakes that the program makes on purpose."""

    @property
    def id(self) -> str:
        return " ".join((self.file.removesuffix(".py"), *self.args))

    @property
    def source(self) -> str:
        file = f"setting/{self.file}/__main__.py" if self.module else self.file
        return (PROGRAMS / file).read_bytes().decode("utf-8", "replace")

    def path(self, folder: Path) -> str:
        """What to open, or to hand to Python, when ``folder`` is the working folder."""
        if self.module:
            return self.file
        return str(folder / self.copy) if self.copy else str(PROGRAMS / self.file)

    def prepare(self, folder: Path) -> None:
        """Copy there what must lie in the working folder."""
        if self.module:
            shutil.copytree(PROGRAMS / "setting" / self.file, folder / self.file)
        elif self.copy:
            shutil.copy(PROGRAMS / self.file, folder / self.copy)

    @property
    def order(self) -> tuple[Phase, ...] | None:
        """The phases of one iteration; None where they vary or there are none."""
        words = self._header[0].split()
        return None if words in (["varies"], ["none"]) else tuple(Phase(word) for word in words)

    @property
    def iterations(self) -> int | None:
        return None if self._header[1] == "any" else int(self._header[1])

    @property
    def _header(self) -> tuple[str, str]:
        header = r"^# phases: ([\w ]+); iterations: (\w+)\b"
        found = re.search(header, self.source, re.M)
        assert found, f"{self.file} does not tell its phases"
        return found[1], found[2]

    def lines(self, phase: Phase) -> set[int]:
        """Lines, from 1, that carry the marker of ``phase``."""
        lines = self.source.splitlines()
        return {n for n, line in enumerate(lines, 1) if re.search(rf"# .*@{phase.value}\b", line)}


def with_gaps(field: str, cases: list[Case], *, often: frozenset[str] | None = None) -> list[Any]:
    """Test parameters; a case with a known gap must fail until the gap is closed. Of ``often``, if
    that is given, the others are left to the sweep."""
    found = []
    for case in cases:
        reason = getattr(case, field)
        marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
        if often is not None and case.id not in often:
            marks.append(pytest.mark.sweep)
        found.append(pytest.param(case, id=case.id, marks=marks))
    return found


# What the engine gets wrong is said in a case's ``bits``, ``counts`` or ``phases``. It fails its
# test as soon as it is mended: then take it out.
CASES = [
    Case("backward/plain.py"),
    Case("backward/temporary.py"),
    Case("backward/several.py"),
    Case("backward/functions.py"),
    Case("backward/grad.py"),
    Case("backward/penalty.py"),
    Case("backward/newton.py"),
    Case("backward/custom_function.py"),
    Case("backward/checkpointing.py", ("reentrant",)),
    Case("backward/checkpointing.py", ("not",)),
    Case("backward/adjoint.py"),
    Case("backward/scaler.py"),
    Case("backward/wrapper.py"),
    Case("backward/trainer.py"),
    Case("backward/functional.py"),
    Case("backward/transforms.py", ("grad",)),
    Case("backward/transforms.py", ("in place",)),
    Case("backward/nested_transforms.py"),
    Case("backward/transforms.py", ("vjp",)),
    Case("backward/transforms.py", ("ensemble",)),
    Case("zero_grad/first.py"),
    Case("zero_grad/middle.py"),
    Case("zero_grad/last.py"),
    Case("zero_grad/by_module.py"),
    Case("zero_grad/never.py", found=("never_zeroed",)),
    Case("zero_grad/by_hand.py", ("zero_",)),
    Case("zero_grad/by_hand.py", ("data",)),
    Case("zero_grad/by_hand.py", ("None",)),
    Case("zero_grad/by_hand.py", ("zeros",)),
    Case("zero_grad/by_hand.py", ("fill",)),
    Case("zero_grad/by_hand.py", ("times",)),
    Case("zero_grad/by_hand.py", ("slice",)),
    Case("zero_grad/by_hand.py", ("copy",)),
    Case("zero_grad/by_hand.py", ("grad data",)),
    Case("zero_grad/by_hand.py", ("detached",)),
    Case("update/closure.py"),
    Case("update/lbfgs.py"),
    Case("update/two_models.py"),
    Case("update/gan.py"),
    Case("update/in_backward.py"),
    Case("update/by_hand.py", ("data",)),
    Case("update/by_hand.py", ("data rebound",)),
    Case("update/by_hand.py", ("alpha",)),
    Case("update/by_hand.py", ("helper",)),
    Case("update/by_hand.py", ("item",)),
    Case("update/by_hand.py", ("copy_",)),
    Case("update/by_hand.py", ("foreach",)),
    Case("update/by_hand.py", ("out",)),
    Case("update/by_hand.py", ("set_",)),
    Case("update/by_hand.py", ("detach",)),
    Case("update/rebound.py", ("detach",)),
    Case("update/rebound.py", ("no_grad",)),
    Case("update/rebound.py", ("tensor",)),
    Case("update/rebound.py", ("Parameter",)),
    Case("update/uphill_first.py"),
    Case("update/skipped.py"),
    Case("update/overflow.py"),
    Case("update/kinds.py"),
    Case("update/not_updates.py"),
    Case("forward/no_module.py"),
    Case("forward/recurrent.py"),
    Case("forward/rollout.py"),
    Case("forward/solver.py"),
    Case("forward/validation.py"),
    Case("forward/plotting.py"),
    Case("forward/dynamic.py"),
    Case("forward/lazy.py"),
    Case("practice/contrastive.py"),
    Case("practice/distillation.py"),
    Case("practice/domain_adversarial.py"),
    Case("practice/dqn.py"),
    Case("practice/ema_amp.py"),
    Case("practice/gpt.py"),
    Case("practice/language_model.py"),
    Case("practice/lora.py"),
    Case("practice/maml.py"),
    Case("practice/neural_ode.py"),
    Case("practice/physics_informed.py"),
    Case("practice/seq2seq.py"),
    Case("practice/swa.py"),
    Case("practice/vae.py"),
    Case("practice/wgan_gp.py"),
    Case(
        "setting/command_line.py", ("--lr", "0.5", "--epochs=4", "a b", "(c)"), text="Ada\n", code=3
    ),
    Case("trainer_package", ("x",), module=True),
    Case("setting/loaders.py", ("fork",)),
    Case("setting/loaders.py", ("spawn",)),
    Case("setting/processes.py"),
    Case("setting/one_rank.py"),
    Case("setting/starts_itself.py", ("--deep",)),
    Case("setting/progress.py"),
    Case("setting/sparse.py"),
    Case("setting/subclasses.py"),
    Case("setting/compiled.py"),
    Case("setting/without_torch.py"),
    Case("setting/gbk_source", copy="训练 (copy 1).py"),
    Case("setting/environment.py"),
    Case("setting/warns.py"),
    Case("setting/handles_errors.py"),
    Case("setting/threaded.py"),
    Case("setting/traced.py"),
    Case("setting/fails.py", code=1),
    Case("setting/interrupted.py", code=-2),
]
