"""What GitHub refuses, in an operator's words: what is the case, then what to do. Pure.

A repository that a token may not see is a 404 for GitHub, one that the organization's single sign-on guards a 403, and
so is a rate limit: they are told apart by headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deploydash.core.outside_text import visible
from deploydash.core.words import clock
from deploydash.errors import FeedError
from deploydash.systems.github.login import GITHUB, Login

if TYPE_CHECKING:
    import gidgethub

MOST_WORDS = 300
SECONDARY_S = 60.0
"""So long nothing is asked after a limit that names no time (docs.github.com, rate limits for the REST API)."""

_RIGHTS = "the token needs Pull requests and Contents: write on this repository"
_UNAUTHORIZED, _FORBIDDEN, _MISSING, _NOT_ALLOWED, _CONFLICT, _INVALID, _TOO_MANY, _SERVER = (
    *(401, 403, 404, 405),
    *(409, 422, 429, 500),
)


class GithubError(FeedError):
    """GitHub refused a question. ``status``: of HTTP; ``told``: GitHub's own words.

    ``unsure``: nobody knows whether a request that was answered so was carried out.
    """

    def __init__(self, sentence: str, hint: str, *, status: int = 0, told: str = "", unsure: bool = False) -> None:
        super().__init__(GITHUB, sentence, hint=hint)
        self.status = status
        self.told = told
        self.unsure = unsure or status >= _SERVER


def waits(until_utc: float) -> GithubError:
    """Return that nothing is asked before a moment (UTC unix seconds)."""
    sentence = f"GitHub wants no question before {clock(until_utc)}: its rate limit is used up"
    return GithubError(sentence, "wait; it is asked again by itself", status=_TOO_MANY)


def no_json(url: str) -> GithubError:
    """Return that an answer is none of GitHub's."""
    return GithubError(f"{url} answers with no JSON: is there a proxy in between?", "", unsure=True)


def limited_until(status: int, headers: Mapping[str, str], now_utc: float) -> float:
    """Return before when GitHub wants no further question (UTC unix seconds); 0 where it says nothing of that kind."""
    if status not in {_FORBIDDEN, _TOO_MANY}:
        return 0.0
    if (after := _number(headers.get("retry-after"))) is not None:
        return now_utc + after
    if headers.get("x-ratelimit-remaining") == "0":
        return _number(headers.get("x-ratelimit-reset")) or now_utc + SECONDARY_S
    return now_utc + SECONDARY_S if status == _TOO_MANY else 0.0


def refused(url: str, path: str, login: Login, error: gidgethub.HTTPException, now_utc: float) -> GithubError:
    """Return a refusal over HTTP in words."""
    status, headers = int(error.status_code), error.headers or {}
    told = short(_told(error)) or f"HTTP {status}"
    sentence, hint = _words(url, path, login, status, headers, told, limited_until(status, headers, now_utc))
    return GithubError(sentence, hint, status=status, told=told)


def refused_graphql(response: Any, login: Login) -> GithubError:
    """Return a refusal of GraphQL, whose errors come with HTTP 200."""
    rows = response.get("errors") if isinstance(response, dict) else None
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    message = response.get("message") if isinstance(response, dict) else None
    told = short("; ".join(str(row.get("message", "")) for row in rows) or str(message or "no reason given"))
    if message == "Bad credentials":
        return GithubError(f"GitHub does not accept the token of {login.source}", login.again, status=401, told=told)
    kinds = {str(row.get("type", "")) for row in rows}
    hint = _RIGHTS if kinds & {"FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND"} else ""
    return GithubError(f"GitHub refused: {told}", hint, status=_INVALID, told=told, unsure=not rows)


def short(text: str) -> str:
    """Return a text of GitHub's on one line, bounded."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= MOST_WORDS else f"{line[:MOST_WORDS]}…"


def _words(
    url: str, path: str, login: Login, status: int, headers: Mapping[str, str], told: str, until: float
) -> tuple[str, str]:
    where = path.partition("?")[0]
    if status == _UNAUTHORIZED:
        return f"GitHub does not accept the token of {login.source}: {told}", login.again
    if status == _FORBIDDEN and "x-github-sso" in headers:
        how = "authorize it: github.com/settings/tokens, Configure SSO; or gh auth refresh"
        return f"the token of {login.source} is not authorized for the organization's single sign-on", how
    if until:
        return f"GitHub's rate limit is used up until {clock(until)}: {told}", "wait; it is asked again by itself"
    if status == _FORBIDDEN:
        return f"GitHub does not let the token of {login.source} do that: {told}", _RIGHTS
    if status == _MISSING:
        how = "is it named right, and may the token see it? A private repository is not found without that right"
        return f"GitHub has nothing at {where} for the token of {login.source}", how
    if status == _NOT_ALLOWED:
        return f"GitHub does not merge it: {told}", ""
    if status == _CONFLICT:
        return f"GitHub refuses, something has changed meanwhile: {told}", "look at the card once more"
    if status == _INVALID:
        return f"GitHub cannot take that: {told}", ""
    if status >= _SERVER:
        return f"{url} is out of order (HTTP {status}): {told}", "https://www.githubstatus.com says whether it is known"
    return f"{url} answers HTTP {status}: {told}", ""


def _told(error: gidgethub.HTTPException) -> str:
    """Return GitHub's words, with those of each field that it refuses (422)."""
    message = str(error.args[0]) if error.args else ""
    rows = getattr(error, "errors", None)
    if not isinstance(rows, list):
        return message
    each = [str(row["message"]) for row in rows if isinstance(row, dict) and row.get("message")]
    return "; ".join(dict.fromkeys(each)) or message


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
