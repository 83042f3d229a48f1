"""Steps to hosts as a runbook would have them, at the Summit and at a made-up site."""

from __future__ import annotations

from typing import Any

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.systems.ssh.steps import SSH, SshSteps
from deploydash.systems.table import Entry, Wrong
from tests.support.runbooks import site

LATER = (StepId("bridges-start"), StepId("bare-metal-start"))
STEPS = SshSteps()


def entry(*, only: frozenset[CscId] | None = None, rehearsal: bool = False, **own: Any) -> Entry:
    """A step at the Summit; ``of`` stands for the key ``for``."""
    own = {"for" if key == "of" else key: value for key, value in own.items()}
    summit = site("summit")
    return Entry(StepId("a-step"), own, summit.roster, summit.sections[SSH], rehearsal, only, {}, LATER)


def items(**own: Any) -> tuple[Item, ...]:
    """The items of a step with which nothing is wrong."""
    found = entry(**own)
    assert list(STEPS.problems(found)) == []
    return STEPS.items(found)


def wrong(**own: Any) -> list[Wrong]:
    """What is wrong with a step."""
    return list(STEPS.problems(entry(**own)))
