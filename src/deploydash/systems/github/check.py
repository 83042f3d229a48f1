"""What ``deploydash check`` asks of GitHub: the token and what it may, the repositories, the branches."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Literal

from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.errors import GithubError
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.objects import Rules, rules, text
from deploydash.systems.github.reading import Reader
from deploydash.systems.github.settings import GithubSettings
from deploydash.systems.github.standing import Standing, in_the_way
from deploydash.systems.table import Finding, Place

FEW = 500
"""Fewer questions than that are soon used up."""


async def check(place: Place) -> tuple[Finding, ...]:
    """Ask GitHub once.

    Raises:
        UserError: it does not answer, or there is no token.
    """
    settings = place.settings
    assert isinstance(settings, GithubSettings)  # noqa: S101 - it was read by this model
    client = GithubClient(settings.endpoint(rehearsal=place.roster.rehearsal))
    try:
        found = [finding async for finding in _findings(client, settings)]
        found += [finding async for finding in _of_branch(client, settings, place.words.get("branch", ""))]
        return tuple(found)
    finally:
        await client.aclose()


async def _findings(client: GithubClient, settings: GithubSettings) -> AsyncIterator[Finding]:
    login = await client.login()
    user = text(await client.get("/user"), "login")
    for finding in of_token(user, login.source, client.scopes, client.left):
        yield finding
    phalanx = settings.phalanx
    for repository in (phalanx.repository, *settings.configuration):
        try:
            told = await client.get(f"/repos/{repository}")
        except GithubError as error:
            yield Finding("red", GITHUB, str(error))
            continue
        yield of_repository(repository, told, merges=repository == phalanx.repository)
    try:
        told = await client.pages(f"/repos/{phalanx.repository}/rules/branches/{phalanx.branch}?per_page=100")
        path = f"environments/values-{phalanx.environment}.yaml"
        await client.get(f"/repos/{phalanx.repository}/contents/{path}?ref={phalanx.branch}")
    except GithubError as error:
        yield Finding("red", GITHUB, str(error))
        return
    yield of_rules(phalanx.branch, rules(told))


async def _of_branch(client: GithubClient, settings: GithubSettings, branch: str) -> AsyncIterator[Finding]:
    """Yield how the pull request of the cycle's branch stands, and which repository lacks the branch."""
    if not branch:
        return
    reader, phalanx = Reader(client, settings, {}, _Clock()), settings.phalanx
    try:
        pull = await reader.find(phalanx.repository, branch)
        if pull is None:
            hint = "open it, or let the step that finds it do so"
            yield Finding("warning", GITHUB, f"{phalanx.repository} has no open pull request of {branch}", hint)
        else:
            yield of_standing(await reader.standing(phalanx.repository, pull.number), phalanx.branch)
        for repository in settings.configuration:
            if not await reader.branch(repository, branch):
                yield Finding(
                    "warning", GITHUB, f"{repository} has no branch {branch}", "push it before the deployment"
                )
    except GithubError as error:
        yield Finding.refused(GITHUB, error)
    finally:
        await reader.aclose()


class _Clock:
    """Both clocks of this process (core.ports.Clock)."""

    monotonic = staticmethod(time.monotonic)
    utc = staticmethod(time.time)


def of_standing(told: Standing, base: str) -> Finding:
    """Return how a pull request stands; red is what somebody has to mend, not what is waited for or approved last."""
    hindrances = told.hindrances(base)
    if not hindrances:
        return Finding("ok", GITHUB, told.words())
    mend = [one for one in hindrances if not (one.waits or one.approval)]
    level: Literal["red", "warning"] = "red" if mend else "warning"
    return Finding(level, GITHUB, f"{told.words()}: {in_the_way(hindrances)}", told.pull.link)


def of_token(user: str, source: str, scopes: str | None, left: int | None) -> Iterator[Finding]:
    """Yield whose token it is, what it may as far as GitHub says, and how many questions are left."""
    yield Finding("ok", GITHUB, f"logged in as {user}, token of {source}")
    if scopes is not None and not {"repo", "public_repo"} & {one.strip() for one in scopes.split(",")}:
        what = scopes or "nothing"
        yield Finding("red", GITHUB, f"the token may {what}: without the scope repo no pull request can be merged")
    if left is not None and left < FEW:
        yield Finding("warning", GITHUB, f"only {left} questions are left of the rate limit of this hour")


def of_repository(name: str, told: object, *, merges: bool) -> Finding:
    """Return whether a repository can be read, and written to where that is needed."""
    permissions = told.get("permissions") if isinstance(told, dict) else None
    push = permissions.get("push") is True if isinstance(permissions, dict) else None
    if merges and push is not True:
        return Finding("red", GITHUB, f"{name} can be read, but not written to: nothing could be merged")
    return Finding("ok", GITHUB, f"{name} can be {'read and written to' if push else 'read'}")


def of_rules(branch: str, told: Rules) -> Finding:
    """Return what the branch asks of a merge."""
    asks = [f"{len(told.checks)} checks"] if told.checks else []
    asks += [f"{told.approvals} approvals"] if told.approvals else []
    asks += ["an approval of a code owner where one is named"] if told.owners else []
    asks += ["its merge queue"] if told.queue else []
    return Finding("ok", GITHUB, f"{branch} asks for {', '.join(asks) or 'nothing'} before a merge")
