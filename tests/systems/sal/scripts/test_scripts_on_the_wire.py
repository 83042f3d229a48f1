"""What events of a ScriptQueue tell, where a time is none."""

from __future__ import annotations

import math
from typing import Any

import pytest

from deploydash.systems.sal.scripts.told import ScriptTold
from deploydash.systems.sal.scripts.wire import script_fact


@pytest.mark.parametrize("stamp", [math.nan, math.inf, -math.inf, 0.0, 1e300])
def test_a_moment_of_a_script_that_is_no_time_has_not_come_yet(stamp: float) -> None:
    fields: dict[str, Any] = {"salIndex": 1, "private_origin": 7, "scriptSalIndex": 100_000, "cmdId": 3, "path": "a.py"}
    fields |= {"processState": 3, "scriptState": 3, "timestampProcessStart": stamp, "timestampProcessEnd": stamp}
    fact = script_fact("ScriptQueue", "logevent_script", fields)
    assert isinstance(fact, ScriptTold)
    assert (fact.started_tai, fact.ended_tai) == (0.0, 0.0)
