"""Every row of the procedure has its steps in the full cycle of each site, and no step is of no row."""

from __future__ import annotations

import pytest

from tests.support.procedure import EVERYWHERE, without_step
from tests.support.runbooks import runbook


@pytest.mark.parametrize("site", EVERYWHERE)
def test_every_row_has_a_step_and_every_step_a_row(site: str) -> None:
    assert without_step(runbook(site, "full-cycle"), site) == []
