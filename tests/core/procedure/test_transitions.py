"""The shortest path through the state machine, spelled out."""

import pytest

from deploydash.core.model import SummaryState
from deploydash.core.procedure.transitions import legal, next_step


def path(state: str, target: str) -> list[str]:
    now, commands = SummaryState[state], []
    while (step := next_step(now, SummaryState[target])) is not None:
        command, now = step
        commands.append(command)
    return commands


@pytest.mark.parametrize(
    ("state", "target", "commands"),
    [
        ("ENABLED", "OFFLINE", ["disable", "standby", "exitControl"]),
        ("FAULT", "OFFLINE", ["standby", "exitControl"]),
        ("FAULT", "ENABLED", ["standby", "start", "enable"]),
        ("STANDBY", "ENABLED", ["start", "enable"]),
        ("OFFLINE", "STANDBY", ["enterControl"]),
        ("DISABLED", "DISABLED", []),
        ("DISABLED", "STANDBY", ["standby"]),
    ],
)
def test_the_path_is_the_shortest(state: str, target: str, commands: list[str]) -> None:
    assert path(state, target) == commands


def test_nothing_leads_to_fault() -> None:
    with pytest.raises(ValueError, match="FAULT"):
        next_step(SummaryState.ENABLED, SummaryState.FAULT)


def test_every_command_of_a_path_is_legal_where_it_is_sent() -> None:
    for state in SummaryState:
        for target in SummaryState:
            now = state
            while target is not SummaryState.FAULT and (step := next_step(now, target)) is not None:
                assert step[0] in legal(now, camera=True)
                now = step[1]


def test_only_a_camera_leaves_offline_by_command() -> None:
    assert legal(SummaryState.OFFLINE, camera=False) == ()
