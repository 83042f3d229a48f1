"""How a pull request stands: whether it may be merged, and what is in its way. Pure.

``closes``: GitHub itself would refuse the merge, whatever anybody here says. ``waits``: it may go by by itself. The
rest shuts the gate of the procedure, such as a check that failed though no rule of the branch asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from deploydash.core.words import counted, first_of
from deploydash.systems.github.objects import Check, PullRequest, Review, Rules

MERGE = "merge"
_METHODS = (MERGE, "squash", "rebase")
"""In the order in which they are taken: Phalanx's history has merges with two parents."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Something in the way of a merge, in a sentence."""

    why: str
    closes: bool = False
    waits: bool = False
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A pull request with its checks, reviews and what the rules of its base ask."""

    pull: PullRequest
    checks: tuple[Check, ...] = ()
    reviews: tuple[Review, ...] = ()
    rules: Rules = field(default_factory=Rules)

    @property
    def method(self) -> str:
        """How it is merged: as the repository's history has it, where the rules allow that."""
        allowed = self.rules.methods or _METHODS
        return next((one for one in _METHODS if one in allowed), MERGE)

    def hindrances(self, base: str) -> tuple[Hindrance, ...]:
        """Return everything in the way of merging it into ``base``; nothing once it is merged."""
        if self.pull.merged:
            return ()
        return (*_of_pull(self.pull, base), *_of_checks(self), *_of_reviews(self))

    def words(self) -> str:
        """Return how it stands, in a sentence."""
        pull = self.pull
        name = f"#{pull.number} at {pull.sha[:8]}"
        if pull.merged:
            by = f" by {pull.merged_by}" if pull.merged_by else ""
            return f"#{pull.number} is merged{by} as {pull.merge_commit[:8]}"
        failed = [one for one in self.checks if one.state == "failed"]
        pending = [one for one in self.checks if one.state == "pending"]
        passed = len(self.checks) - len(failed) - len(pending)
        checks = [f"{counted(passed, 'check')} passed"]
        checks += [f"{len(failed)} failed"] if failed else []
        checks += [f"{len(pending)} not ended"] if pending else []
        approved = [one.by for one in self.reviews if one.state == "APPROVED" and one.commit == pull.sha]
        by = f"approved by {', '.join(approved)}" if approved else "not approved"
        return f"{name}: {', '.join(checks)}; {by}; GitHub says {pull.mergeable_state}"


def _of_pull(pull: PullRequest, base: str) -> Iterator[Hindrance]:
    if pull.state == "closed":
        yield Hindrance(f"#{pull.number} was closed without being merged", closes=True)
        return
    if pull.base != base:
        yield Hindrance(f"#{pull.number} goes into {pull.base}, and {base} is deployed", closes=True)
    if pull.draft:
        yield Hindrance(f"#{pull.number} is a draft: mark it as ready for review", closes=True)
    if pull.mergeable is None:
        yield Hindrance("GitHub is computing whether it can be merged", closes=True, waits=True)
    elif not pull.mergeable or pull.mergeable_state == "dirty":
        yield Hindrance(f"it conflicts with {base}: rebase {pull.head}", closes=True)
    elif pull.mergeable_state == "behind":
        yield Hindrance(f"{pull.head} is behind {base}, which must be in it first", closes=True)


def _of_checks(standing: Standing) -> Iterator[Hindrance]:
    required = set(standing.rules.checks)
    failed = [one for one in standing.checks if one.state == "failed"]
    pending = [one.name for one in standing.checks if one.state == "pending"]
    missing = [name for name in standing.rules.checks if name not in {one.name for one in standing.checks}]
    if failed:
        names = first_of([f"{one.name} ({one.word})" for one in failed], 4)
        yield Hindrance(f"{_checks(len(failed))} failed: {names}", closes=any(one.name in required for one in failed))
    if waiting := [*pending, *missing]:
        closes = bool(required & set(waiting))
        yield Hindrance(f"{_checks(len(waiting))} not ended: {first_of(waiting, 4)}", closes=closes, waits=True)


def _of_reviews(standing: Standing) -> Iterator[Hindrance]:
    pull, rules = standing.pull, standing.rules
    against = [one.by for one in standing.reviews if one.state == "CHANGES_REQUESTED"]
    approved = [one.by for one in standing.reviews if one.state == "APPROVED"]
    if against:
        yield Hindrance(
            f"{', '.join(against)} asks for changes", closes=pull.mergeable_state == "blocked", approval=True
        )
        return
    asked = f": {', '.join(pull.asked)} is asked" if pull.asked else ""
    if pull.mergeable_state == "blocked" and (rules.owners or rules.approvals > len(approved)):
        whose = "of a code owner" if rules.owners else ""
        what = " ".join(filter(None, ("an approval", whose, "is missing")))
        yield Hindrance(f"{what}{asked}; any later push dismisses it", closes=True, approval=True)
    elif pull.mergeable_state == "blocked" and not _of_checks_closes(standing):
        yield Hindrance(
            f"a rule of {pull.base} is not met, GitHub does not say which{asked}", closes=True, approval=True
        )


def _of_checks_closes(standing: Standing) -> bool:
    return any(one.closes for one in _of_checks(standing))


def _checks(count: int) -> str:
    return counted(count, "check")


def in_the_way(hindrances: Sequence[Hindrance]) -> str:
    """Return what is in the way, in words; empty where nothing is."""
    return "; ".join(one.why for one in hindrances)
