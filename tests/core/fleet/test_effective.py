"""The truth table, case by case, against the golden file that was written before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.core.fleet.effective import OFFLINE_GRACE, Looked, Seen, effective_state
from deploydash.core.model import CameraSubstate, CscId, Effective, Liveness, SummaryState, Target

NOW = 10_000.0
GOLDEN: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parents[2] / "data/golden/effective.yaml").read_text(encoding="utf-8")
)
LOOKED = {
    "reading": Looked.NOT_YET,
    "kafka": Looked.KAFKA,
    "kafka without efd": Looked.KAFKA_ALONE,
    "kafka and efd": Looked.KAFKA_AND_EFD,
}


def seen_from(given: dict[str, Any]) -> Seen:
    """Read one ``given`` of the golden file; every key must be known."""
    left = dict(given)
    liveness = Liveness(left.pop("liveness"))
    age = str(left.pop("beat_age", ""))
    before = left.pop("before", "UNKNOWN")
    told_age = left.pop("told_age", None)
    back_age = left.pop("back_age", None)
    fields: dict[str, Any] = {
        "csc": CscId.parse(left.pop("csc", "ESS:104")),
        "liveness": liveness,
        "listening": left.pop("listening", liveness is Liveness.UNSEEN),
        "listening_since": NOW - left.pop("listening_age", 0),
        "beat_at": NOW - float(age.rstrip("+")) if age else None,
        "beat_at_least": age.endswith("+"),
        "has_beaten": bool(age) and not left.pop("never_beat", False),
        "reported": SummaryState[state] if (state := left.pop("reported", None)) else None,
        "told_at": None if told_age is None else NOW - told_age,
        "silence_due": None if told_age is None else NOW - told_age + OFFLINE_GRACE,
        "looked": LOOKED[left.pop("record", "kafka and efd")],
        "substate": CameraSubstate[substate] if (substate := left.pop("substate", None)) else None,
        "lost_at": NOW - left.pop("lost_age", 0),
        "back_at": None if back_age is None else NOW - back_age,
        "before": Effective(before.rstrip("*")),
        "before_inferred": before.endswith("*"),
    }
    return Seen(**fields, **left)


CASES = [
    pytest.param(case["given"], target, expected, id=f"{row}, {case['case']}, target {target}")
    for row, cases in GOLDEN.items()
    for case in cases
    for target, expected in case["then"].items()
]


@pytest.mark.parametrize(("given", "target", "expected"), CASES)
def test_the_truth_table(given: dict[str, Any], target: str | None, expected: list[str]) -> None:
    judgement = effective_state(seen_from(given), Target.parse(target) if target else None, NOW)
    star = "*" if judgement.inferred else ""
    assert [f"{judgement.effective}{star}", judgement.verdict, judgement.reason.render(NOW)] == expected


def test_the_golden_file_has_several_cases_for_every_row_of_the_table() -> None:
    rows = ["1", "2", "3", "3a", *map(str, range(4, 14))]
    assert {row: len(cases) >= 3 for row, cases in GOLDEN.items()} == {f"row {number}": True for number in rows}
