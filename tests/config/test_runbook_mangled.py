"""However a runbook is mangled, it is used or refused with problems; nothing else ever comes out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.config.runbook import parse_runbook
from deploydash.errors import ConfigurationError
from deploydash.plan import plan_json, plan_text
from deploydash.wiring.tables import READING
from tests.support.runbooks import SCRIPTS, lines, site

PATH = Path(__file__).parents[1] / "data" / "runbooks" / "small.yaml"
LINES = PATH.read_text("utf-8").splitlines()
WORDS = ["", "[]", "{}", "5", "true", "x", "Watcher", "ESS", '"ESS:*"', "[Watcher]", "[[Watcher]]", "{a: b}", "OFFLINE"]

positions = st.integers(0, len(LINES) - 1)
edits = st.one_of(
    st.tuples(st.just("drop"), positions, positions),
    st.tuples(st.just("twice"), positions, positions),
    st.tuples(st.just("swap"), positions, positions),
    st.tuples(st.sampled_from(WORDS), positions, positions),
)


def mangled(changes: list[tuple[str, int, int]]) -> str:
    lines = list(LINES)
    for how, at, other in changes:
        one, two = at % len(lines), other % len(lines)
        if how == "drop":
            del lines[one]
        elif how == "twice":
            lines.insert(two, lines[one])
        elif how == "swap":
            lines[one], lines[two] = lines[two], lines[one]
        else:
            lines[one] = f"{lines[one].partition(':')[0]}: {how}"
    return "\n".join(lines)


@settings(max_examples=120)
@given(st.lists(edits, min_size=1, max_size=4), st.sampled_from(["summit", "tucson-teststand"]))
def test_a_mangled_runbook_is_used_or_refused_with_problems(changes: list[tuple[str, int, int]], name: str) -> None:
    try:
        plan = parse_runbook(mangled(changes), PATH, site(name), SCRIPTS, systems=READING)
    except ConfigurationError as error:
        refused = error.problems
    else:
        assert plan_text(plan, 100, lines(name))
        assert plan_json(plan, lines(name))["phases"]
        return
    assert refused
    assert all(problem.message for problem in refused)
