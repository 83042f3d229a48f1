"""What must be so before a step may go, as the runbook says it; how it stands is found in ``core/run/gate.py``."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.model import CscId, FeedName, Target
from deploydash.core.procedure.names import StepId
from deploydash.core.words import and_list


@dataclass(frozen=True, slots=True)
class StepsSettled:
    """These steps are settled."""

    steps: tuple[StepId, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{and_list(self.steps)} {'is' if len(self.steps) == 1 else 'are'} settled"


@dataclass(frozen=True, slots=True)
class CscsDown:
    """None of these CSCs is up and not waived; up means that it beats and does not report OFFLINE."""

    what: str
    cscs: tuple[CscId, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{self.what} is down or waived"


@dataclass(frozen=True, slots=True)
class CscAt:
    """This CSC is at this state, as told by a process that beats."""

    csc: CscId
    target: Target

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"{self.csc} is {self.target}"


@dataclass(frozen=True, slots=True)
class FeedsUp:
    """These feeds are up, so that what is shown is true and what is sent arrives; a system's is named as the system."""

    feeds: tuple[FeedName | str, ...]

    @property
    def sentence(self) -> str:
        """The condition in words."""
        names = [str(feed).replace("_", " ") for feed in self.feeds]
        return f"{and_list(names)} {'is' if len(names) == 1 else 'are'} up"


@dataclass(frozen=True, slots=True)
class FactHolds:
    """A fact that some system tells holds, and was told within ``age_s`` seconds: an old one is not green."""

    fact: str
    words: str
    age_s: float = 60.0

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return self.words


@dataclass(frozen=True, slots=True)
class Answered:
    """The lead has answered this question, and the answer is recorded."""

    choice: str

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return f"the question {self.choice!r} is answered"


@dataclass(frozen=True, slots=True)
class DebtsPaid:
    """No debt of this run is open, except those waived by name."""

    @property
    def sentence(self) -> str:
        """The condition in words."""
        return "no debt is open"


Precondition = StepsSettled | CscsDown | CscAt | FeedsUp | FactHolds | Answered | DebtsPaid
