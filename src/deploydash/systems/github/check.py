"""What ``deploydash check`` asks of GitHub: the token and what it may, the repositories, the rules of the branch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.errors import GithubError
from deploydash.systems.github.login import GITHUB
from deploydash.systems.github.objects import Rules, rules, text
from deploydash.systems.github.settings import GithubSettings
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
        return tuple([finding async for finding in _findings(client, settings)])
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
