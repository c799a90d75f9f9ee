"""Every rule of the table against autograd, in float64, with drawn shapes and arguments."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.engine.rules.cases import CASES
from tests.engine.rules.drawn import Draw, check, seen, upstream_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:reduction:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning"),
]

OPTIONS: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
    "phases": [Phase.explicit, Phase.generate],  # shrinking takes minutes and tells little here
}


def _compare(name: str, data: st.DataObject) -> None:
    draw = Draw(data)
    call = seen(CASES[name](draw))
    check(call, upstream_of(call, draw), draw)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=2, **OPTIONS)
@given(data=st.data())
def test_agrees_with_autograd(name: str, data: st.DataObject) -> None:
    _compare(name, data)


@pytest.mark.sweep
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=150, **OPTIONS)
@given(data=st.data())
def test_agrees_with_autograd_often(name: str, data: st.DataObject) -> None:
    _compare(name, data)
