"""What the README says is so: its commands, its examples, its keys."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.pictures import SCENES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_two_set_up_commands_of_one_line() -> None:
    """.ci/run takes the second out of here."""
    commands = [block for block in blocks("sh") if "install" in block]
    assert len(commands) == 2
    first, second = commands
    assert all(command.count("\n") == 1 for command in commands)
    assert all("-c .ci/constraints.txt" in command for command in commands)
    assert first.rstrip().endswith("/gradstep")
    assert second.rstrip().endswith("-m pytest -n auto")


def test_constraints_pin_everything() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert "torch==2.13.0" in pins
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9.]+", pin) for pin in pins)


def run(arguments: list[str], cwd: Path = ROOT) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    result = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_headless_examples(tmp_path: Path) -> None:
    found = [block for block in blocks("python") if "gradstep.open" in block]
    example, cards, nan, breaks = found
    assert "grad: 1.0 2.0 -2.0" in run(["-c", example])
    # (x w − y)² at x = 2, y = 4, w = 1: ∂loss/∂w = 2 (x w − y) x.
    updated = (torch.tensor(1.0) - 0.01 * torch.tensor(-8.0)).item()
    *_, formula = run(["-c", cards]).split("∂z/∂")
    assert formula == f"y = x (-8.0,)\nagrees\n{updated}\n"
    text = "sqrt'(0) = 1/(2·0) = Inf, and Inf × 1 = Inf"
    assert run(["-c", nan], cwd=tmp_path) == f"10 SqrtBackward0 6 {text}\n"
    run(["-c", breaks])  # it asserts by itself


def test_experiment_example(tmp_path: Path) -> None:
    (example,) = (block for block in blocks("python") if "def experiment" in block)
    file = tmp_path / "mine.py"
    file.write_text(f"{example}\nexperiment().run()\nprint(4 * w.item())")
    assert run([str(file)]) == "7.999998569488525\n"


def test_key_table_is_the_table_of_actions() -> None:
    actions = pytest.importorskip("gradstep.gui.actions").ACTIONS
    expected = [[a.keys[0], a.text, a.tip] for a in actions if a.keys]
    table = README.partition("## Keys")[2].partition("## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    assert [[cell.strip() for cell in row] for row in rows[2:]] == expected


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_a_picture_of_every_situation_in_light_and_dark() -> None:
    found = {path.name for path in (ROOT / "resources" / "screenshots").iterdir()}
    assert found == {f"{name}_{look}.png" for name in SCENES for look in ("light", "dark")}
