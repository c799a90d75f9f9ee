"""How a finding of the phase watch is shown. No Qt."""

from __future__ import annotations

from gradstep.phases import Phase
from gradstep.protocol.findings import Finding


def heading(finding: Finding) -> str:
    """Its title as a heading has it: without a full stop."""
    return finding.title.removesuffix(".")


def missing_phase(finding: Finding) -> Phase | None:
    """The phase that the program leaves out, if that is what was found."""
    return Phase.ZERO_GRAD if finding.kind == "never_zeroed" else None
